import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import type { PairingOffer } from "../network/pairing-offer.ts";
import { isCountersigned, sealDeviceIdentity, signDeviceIdentity } from "../signal/device-identity.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { jidOf } from "../wire/address.ts";
import { child, childContent, stanza } from "../wire/stanza.ts";
import { announceDevice } from "./device-news.ts";

/** The last half of pairing, the same for QR and code: the phone vouches for the client, the client countersigns, the server sends it off to log in. */
export async function pair(
  network: Network,
  connection: Connection,
  offer: PairingOffer,
  person: Person,
  advSecret: Buffer,
): Promise<Companion> {
  const { phone } = person;
  const id = person.state.nextDeviceId++;
  const identity = signDeviceIdentity(phone.identity, offer.identity, id);
  const sealed = sealDeviceIdentity(identity, phone.identity, advSecret);
  const answer = await connection.query({ type: "set" }, [
    stanza("pair-success", {}, [
      stanza("device-identity", {}, sealed),
      stanza("platform", { name: "android" }),
      stanza("device", { jid: jidOf(person.state, "pn", id), lid: jidOf(person.state, "lid", id) }),
    ]),
  ]);
  const countersigned = childContent(child(answer, "pair-device-sign"), "device-identity");
  if (!isCountersigned(countersigned, identity, phone.identity, offer.identity)) {
    throw new Error("the client's signature is wrong");
  }
  const companion = companionOf(id, connection, offer, identity);
  person.state.companions.push(companion);
  connection.offer = null;
  network.counts.pairings += 1;
  network.changed();
  // Before the client hears of it: a sandbox that is killed now must not forget a link that the client keeps.
  await network.saved();
  network.log(`${person.phoneNumber} linked device ${id} (${offer.platform})`);
  connection.end(stanza("stream:error", { code: 515 }));
  announceDevice(network, person, "add", id);
  return companion;
}

function companionOf(
  id: number,
  connection: Connection,
  offer: PairingOffer,
  deviceIdentity: Companion["deviceIdentity"],
): Companion {
  return {
    id,
    // Not 0: Baileys leaves such a device out of its lists.
    keyIndex: id,
    platform: offer.platform,
    linkedAt: Date.now(),
    clientStatic: connection.clientStatic,
    registrationId: offer.registrationId,
    identity: offer.identity,
    signedPreKey: offer.signedPreKey,
    preKeys: [],
    deviceIdentity,
    queue: [],
    hasInitialSync: false,
    watches: [],
  };
}
