import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import { jidOf } from "../wire/jid.ts";
import { randomId, stanza, unixNow } from "../wire/stanza.ts";

/** Notifies every client that queried this person's devices, and the person's own other clients, that the list has changed. */
export function notifyDeviceChange(
  network: Network,
  person: Person,
  change: "add" | "remove",
  device: number,
): void {
  for (const watcher of network.people()) {
    for (const companion of watcher.state.companions) {
      const isSelf = watcher === person && companion.id === device;
      if (isSelf || (watcher !== person && !companion.watches.includes(person.phoneNumber))) continue;
      for (const addressing of ["pn", "lid"] as const) {
        const jid = jidOf(person.state, addressing, device);
        const keyIndex = change === "add" ? device : undefined;
        const content = [stanza(change, {}, [stanza("device", { jid, "key-index": keyIndex })])];
        const from = jidOf(person.state, addressing);
        post(
          network,
          companion,
          stanza("notification", { from, type: "devices", id: randomId(), t: unixNow() }, content),
        );
      }
    }
  }
}
