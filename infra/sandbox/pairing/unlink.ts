import type { Connection } from "../network/connection.ts";
import { connectionOf, type Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { stanza } from "../wire/stanza.ts";
import { notifyDeviceChange } from "./device-notification.ts";

/** Unlinks a client. A connected one is notified; every later login is refused. */
export async function removeCompanion(network: Network, person: Person, companion: Companion): Promise<void> {
  sendDeviceRemoved(await forgetCompanion(network, person, companion));
}

/** Unlinks a client and waits until that is saved. Returns its connection, which `sendDeviceRemoved` then ends. */
export async function forgetCompanion(
  network: Network,
  person: Person,
  companion: Companion,
): Promise<Connection | null> {
  const connection = connectionOf(network, companion);
  person.state.companions = person.state.companions.filter((linked) => linked !== companion);
  for (const device of person.state.devices) delete device.sessions[`${person.phoneNumber}.${companion.id}`];
  network.changed();
  network.log(`${person.phoneNumber} unlinked device ${companion.id}`);
  notifyDeviceChange(network, person, "remove", companion.id);
  await network.saved();
  return connection;
}

export function sendDeviceRemoved(connection: Connection | null): void {
  connection?.end(stanza("stream:error", { code: 401 }, [stanza("conflict", { type: "device_removed" })]));
}
