import { randomBytes, randomUUID } from "node:crypto";
import type { Db } from "mongodb";
import { type AuthState, type AuthStateOptions, openAuthState } from "#connector/auth/auth-state.ts";
import { type AuthenticationCreds, proto } from "#connector/baileys/baileys.ts";

export const masterKey = randomBytes(32);
const server = "wss://127.0.0.1/ws/chat";

/** Opens an auth state whose loss fails the test, unless `overrides` has its own `onLost`. */
export function open(db: Db, overrides: Partial<AuthStateOptions> = {}): Promise<AuthState> {
  return openAuthState({
    db,
    channelId: randomUUID(),
    epoch: 1,
    masterKeys: [masterKey],
    server,
    onLost: (error) => {
      throw error;
    },
    ...overrides,
  });
}

/** Changes credentials as pairing does. */
export function pair(creds: AuthenticationCreds): void {
  creds.me = { id: "15550001111:1@s.whatsapp.net", lid: "111@lid" };
  creds.account = proto.ADVSignedDeviceIdentity.create({
    details: randomBytes(20),
    accountSignatureKey: randomBytes(32),
    accountSignature: randomBytes(64),
    deviceSignature: randomBytes(64),
  });
}

/** Creates a channel with paired, saved credentials, and closes its auth state. Resolves to its id. */
export async function pairedChannel(db: Db, overrides: Partial<AuthStateOptions> = {}): Promise<string> {
  const channelId = randomUUID();
  await using auth = await open(db, { channelId, ...overrides });
  await auth.create();
  pair(auth.state.creds);
  auth.save();
  await auth.flush();
  return channelId;
}

export function keyPair(): { public: Buffer; private: Buffer } {
  return { public: randomBytes(32), private: randomBytes(32) };
}
