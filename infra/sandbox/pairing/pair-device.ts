import { randomBytes } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import { stanza } from "../wire/stanza.ts";

/** What WhatsApp gives: six, of which Baileys shows the first 60 s and the others 20 s each. */
const refCount = 6;

/** Shows an unpaired client the refs from which it makes its QRs. */
export function startPairing(
  network: Network,
  connection: Connection,
  data: proto.ClientPayload.IDevicePairingRegistrationData,
): void {
  const refs = Array.from({ length: refCount }, () => `2@${randomBytes(33).toString("base64")}`);
  connection.pairingAttempt = { ...keysOf(data), refs, code: null, qrText: null, isTaken: false };
  network.log(`${connection.id} waits to be paired`);
  const content = refs.map((ref) => stanza("ref", {}, Buffer.from(ref)));
  const shown = connection.query({ type: "set", xmlns: "md" }, [stanza("pair-device", {}, content)]);
  shown.catch(() => network.log(`${connection.id} left before it was paired`));
}

function keysOf(data: proto.ClientPayload.IDevicePairingRegistrationData) {
  const { eRegid, eIdent, eSkeyId, eSkeyVal, eSkeySig, deviceProps } = data;
  if (!eRegid || !eIdent || !eSkeyId || !eSkeyVal || !eSkeySig) throw new Error("incomplete registration");
  return {
    registrationId: Buffer.from(eRegid).readUInt32BE(),
    identity: Buffer.from(eIdent),
    signedPreKey: {
      id: Buffer.from(eSkeyId).readUIntBE(0, 3),
      value: Buffer.from(eSkeyVal),
      signature: Buffer.from(eSkeySig),
    },
    platform: (deviceProps && proto.DeviceProps.decode(deviceProps).os) || "unknown",
  };
}
