import { randomBytes } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import { stanza } from "../wire/stanza.ts";

/** WhatsApp sends six; Baileys shows the first for 60 s and the others for 20 s each. */
const refCount = 6;

/** Sends an unpaired client the refs from which it makes its QRs. */
export function startPairing(
  network: Network,
  connection: Connection,
  data: proto.ClientPayload.IDevicePairingRegistrationData,
): void {
  const refs = Array.from({ length: refCount }, () => `2@${randomBytes(33).toString("base64")}`);
  connection.pairingAttempt = { ...keysOf(data), refs, code: null, qrText: null, isTaken: false };
  network.log(`${connection.id} is waiting to be paired`);
  const content = refs.map((ref) => stanza("ref", {}, Buffer.from(ref)));
  const acknowledged = connection.query({ type: "set", xmlns: "md" }, [stanza("pair-device", {}, content)]);
  acknowledged.catch(() => network.log(`${connection.id} did not acknowledge its QR refs`));
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
