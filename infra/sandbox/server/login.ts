import type { proto } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import { connectionOf, type Network } from "../network/network.ts";
import { startPairing } from "../pairing/pair-device.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { jidOf } from "../wire/jid.ts";
import { stanza, unixNow } from "../wire/stanza.ts";

/** Admits a client after its handshake: starts to pair it, or logs it in. */
export async function admit(
  network: Network,
  connection: Connection,
  payload: proto.ClientPayload,
): Promise<void> {
  connection.claimed = payload.devicePairingData ? null : String(payload.username ?? "");
  connection.silence(network.rules.isSilent(connection.claimed));
  await connection.afterSilence(() => admitNow(network, connection, payload));
}

function admitNow(network: Network, connection: Connection, payload: proto.ClientPayload): void {
  const { devicePairingData } = payload;
  const phoneNumber = connection.claimed;
  const failure = network.rules.takeFailedLogin(phoneNumber);
  if (failure) refuse(network, connection, failure.code, failure.attributes);
  else if (devicePairingData) startPairing(network, connection, devicePairingData);
  else admitLinked(network, connection, phoneNumber ?? "", payload.device ?? 0);
}

function admitLinked(network: Network, connection: Connection, phoneNumber: string, device: number): void {
  const person = network.find(phoneNumber, "pn");
  const companion = person?.companion(device);
  const isKnown = companion?.clientStatic.equals(connection.clientStatic) ?? false;
  if (person && companion && isKnown) login(network, connection, person, companion);
  else refuse(network, connection, 401, {});
}

function login(network: Network, connection: Connection, person: Person, companion: Companion): void {
  const previous = connectionOf(network, companion);
  if (previous) {
    network.counts.simultaneousSockets += 1;
    previous.end(stanza("stream:error", {}, [stanza("conflict", { type: "replaced" })]));
  }
  connection.owner = { person, companion };
  const device = { phoneNumber: person.phoneNumber, deviceId: companion.id };
  network.ledgers.sockets.loggedIn(connection.record, device, previous?.record ?? null);
  network.counts.logins += 1;
  network.log(`${person.phoneNumber} device ${companion.id} logged in`);
  connection.send(
    stanza("success", {
      t: unixNow(),
      // Required at every login: the client overwrites its own LID with it.
      lid: jidOf(person.state, "lid", companion.id),
      props: 27,
      abprops: 1,
      creation: Math.floor(companion.linkedAt / 1000),
      location: "sandbox",
    }),
  );
}

function refuse(
  network: Network,
  connection: Connection,
  code: number,
  attributes: Record<string, string>,
): void {
  network.counts.failedLogins += 1;
  network.log(`${connection.id} login refused with ${code}`);
  connection.end(stanza("failure", { reason: code, location: "sandbox", ...attributes }));
}
