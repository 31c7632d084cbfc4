import type { Network } from "../network/network.ts";
import { isForgotten } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { OwnDevice } from "../state/state.ts";
import { type RetryRequest, requestRetry } from "./retries.ts";

/** Counts and records that a device in the sandbox could not decrypt its copy, and makes the device request it again. */
export function reportDecryptFailure(
  network: Network,
  reader: { person: Person; device: OwnDevice },
  sender: LinkedClient,
  request: Omit<RetryRequest, "sender" | "from">,
  error: unknown,
): void {
  const { person, device } = reader;
  const { id } = request;
  const isForced = isForgotten(device, sender);
  network.counts[isForced ? "forcedDecryptFailures" : "decryptFailures"] += 1;
  network.log(`${person.phoneNumber}:${device.id} cannot decrypt ${id}: ${String(error)}`);
  network.ledgers.failures.failed({
    id,
    from: `${sender.person.phoneNumber}:${sender.companion.id}`,
    to: `${person.phoneNumber}:${device.id}`,
    reader: "contact",
    isForced,
  });
  requestRetry(network, person, device, {
    ...request,
    sender: sender.companion.id,
    from: sender.person.phoneNumber,
  });
}
