import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import type { PairingAttempt } from "../network/pairing-attempt.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { completePairing } from "./pair-success.ts";

interface Qr {
  ref: string;
  noiseKey: Buffer;
  identity: Buffer;
  advSecret: Buffer;
}

/** Parses the text of a QR, with or without the URL that newer clients put before it. Null if it is not a pairing QR. */
export function parseQr(text: string): Qr | null {
  const fields = (text.split("#").at(-1) ?? "").trim().split(",");
  const [ref, noiseKey, identity, advSecret] = fields;
  if (!ref || !noiseKey || !identity || !advSecret) return null;
  const bytes = [noiseKey, identity, advSecret].map((field) => Buffer.from(field, "base64"));
  const [noise, own, secret] = bytes;
  if (!noise || !own || !secret || bytes.some(({ length }) => length !== 32)) return null;
  return { ref, noiseKey: noise, identity: own, advSecret: secret };
}

/** The waiting socket that made this QR. */
export function attemptOf(
  network: Network,
  qr: Qr,
): { connection: Connection; attempt: PairingAttempt } | null {
  for (const connection of network.connections) {
    const { pairingAttempt } = connection;
    if (!pairingAttempt?.refs.includes(qr.ref)) continue;
    const isMatching =
      qr.noiseKey.equals(connection.clientStatic) && qr.identity.equals(pairingAttempt.identity);
    return isMatching ? { connection, attempt: pairingAttempt } : null;
  }
  return null;
}

export async function scanQr(network: Network, person: Person, text: string): Promise<Companion> {
  const qr = parseQr(text);
  if (!qr) throw new Error("not a WhatsApp QR");
  const found = attemptOf(network, qr);
  if (!found) throw new Error("no client shows this QR");
  const { connection, attempt } = found;
  if (attempt.isTaken) throw new Error("this QR is already being scanned");
  attempt.isTaken = true;
  try {
    return await completePairing(network, connection, attempt, person, qr.advSecret);
  } finally {
    attempt.isTaken = false;
  }
}
