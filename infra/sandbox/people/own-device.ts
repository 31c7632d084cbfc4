import { randomBytes } from "node:crypto";
import type { OwnDevice } from "../state/state.ts";
import { generateKeyPair, sign } from "../wire/curve25519.ts";

/** Creates a device with a fresh Signal identity and no sessions. */
export function createOwnDevice(id: number): OwnDevice {
  const identity = generateKeyPair();
  const pair = generateKeyPair();
  return {
    id,
    registrationId: randomBytes(2).readUInt16BE() & 0x3fff,
    identity,
    signedPreKey: { id: 1, pair, signature: sign(identity, pair.pubKey) },
    nextPreKeyId: 1,
    preKeys: {},
    sessions: {},
    forgotten: [],
  };
}
