/** Links clients to a phone by QR or pairing code, and unlinks them. */

import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import type { PairingAttempt } from "../network/pairing-attempt.ts";
import { isCountersigned, sealDeviceIdentity, signDeviceIdentity } from "../signal/device-identity.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { jidOf } from "../wire/jid.ts";
import { child, childContent, stanza } from "../wire/stanza.ts";
import { notifyDeviceChange } from "./device-notification.ts";

/** Completes a pairing, by QR or code: the phone signs the client's identity, the client countersigns it, and the server ends the connection so that the client logs in. */
export async function completePairing(
  network: Network,
  connection: Connection,
  attempt: PairingAttempt,
  person: Person,
  advSecret: Buffer,
): Promise<Companion> {
  const { phone } = person;
  const id = person.state.nextDeviceId++;
  const identity = signDeviceIdentity(phone.identity, attempt.identity, id);
  const shown = network.rules.forgeries.has("account")
    ? { ...identity, accountSignature: Buffer.alloc(64, 1) }
    : identity;
  const sealed = sealDeviceIdentity(shown, phone.identity, advSecret);
  const answer = await connection.query({ type: "set" }, [
    stanza("pair-success", {}, [
      stanza("device-identity", {}, sealed),
      stanza("platform", { name: "android" }),
      stanza("device", { jid: jidOf(person.state, "pn", id), lid: jidOf(person.state, "lid", id) }),
    ]),
  ]);
  const countersigned = childContent(child(answer, "pair-device-sign"), "device-identity");
  if (!isCountersigned(countersigned, identity, phone.identity, attempt.identity)) {
    throw new Error("the client's signature is invalid");
  }
  const companion = companionOf(id, connection, attempt, identity);
  person.state.companions.push(companion);
  connection.pairingAttempt = null;
  network.counts.pairings += 1;
  network.changed();
  // Saved before the client is notified: a sandbox killed here must not forget a link that the client keeps.
  await network.saved();
  network.log(`${person.phoneNumber} linked device ${id} (${attempt.platform})`);
  if (!network.rules.takeWithheldRestart()) connection.end(stanza("stream:error", { code: 515 }));
  notifyDeviceChange(network, person, "add", id);
  return companion;
}

function companionOf(
  id: number,
  connection: Connection,
  attempt: PairingAttempt,
  deviceIdentity: Companion["deviceIdentity"],
): Companion {
  return {
    id,
    // Not 0: Baileys leaves a device with key index 0 out of its lists.
    keyIndex: id,
    platform: attempt.platform,
    linkedAt: Date.now(),
    clientStatic: connection.clientStatic,
    registrationId: attempt.registrationId,
    identity: attempt.identity,
    signedPreKey: attempt.signedPreKey,
    preKeys: [],
    deviceIdentity,
    queue: [],
    hasInitialSync: false,
    watches: [],
  };
}
