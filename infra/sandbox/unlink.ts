import { announceDevice } from "./device-news.ts";
import { connectionOf, type Network } from "./network.ts";
import type { Person } from "./person.ts";
import { stanza } from "./stanza.ts";
import type { Companion } from "./state.ts";

/** A client is linked no more, whoever wanted it: it hears so if it is there, and is refused from now on. */
export function removeCompanion(network: Network, person: Person, companion: Companion): void {
  const connection = connectionOf(network, companion);
  person.state.companions = person.state.companions.filter((linked) => linked !== companion);
  for (const device of person.state.devices) delete device.sessions[`${person.phoneNumber}.${companion.id}`];
  network.changed();
  network.log(`${person.phoneNumber} unlinked device ${companion.id}`);
  connection?.end(stanza("stream:error", { code: 401 }, [stanza("conflict", { type: "device_removed" })]));
  announceDevice(network, person, "remove", companion.id);
}
