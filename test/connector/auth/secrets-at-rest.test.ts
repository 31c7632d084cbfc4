import { randomUUID } from "node:crypto";
import type { Db } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuthState } from "#connector/auth/auth-state.ts";
import { encodeCreds } from "#connector/auth/row-codec.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { leakedSecrets } from "#test/support/leaked-secrets.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { createParty, introduce, memoryStore, type Party } from "../baileys/signal-party.fixture.ts";
import { keyPair, open, pair, pairedChannel } from "./auth.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const alice = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";

/** Every byte of both collections, as the server sends it. */
async function dump(db: Db): Promise<Buffer> {
  const names = ["whatsapp_auth_creds", "whatsapp_auth_keys"];
  const parts = names.map((name) => db.collection(name).find({}, { raw: true }).toArray());
  return Buffer.concat(
    (await Promise.all(parts)).flat().map((row) => Buffer.from(row as unknown as Uint8Array)),
  );
}

/** The private keys inside a serialized session. */
function sessionSecrets(session: unknown): Buffer[] {
  const found: Buffer[] = [];
  JSON.stringify(session, (key, value: unknown) => {
    if ((key === "privKey" || key === "rootKey") && typeof value === "string")
      found.push(Buffer.from(value, "base64"));
    return value;
  });
  return found;
}

test("the database shows no private key of the credentials, pre-keys or sessions", async () => {
  const channelId = randomUUID();
  await using auth = await open(database.db, { channelId });
  await auth.create();
  const { creds, keys } = auth.state;
  pair(creds);
  auth.save();
  const preKey = keyPair();
  await keys.set({ "pre-key": { "1": preKey } });
  const us = createParty(alice, keys, hardenedSignalRepository(keys));
  await introduce(us, createParty(bob, memoryStore()));
  await us.repository.encryptMessage({ jid: bob, data: Buffer.from("hello") });
  await auth.flush();

  const { session } = Object.groupBy(
    Object.entries(await keys.get("session", ["15550002222.0"])),
    () => "session",
  );
  const ofSession = sessionSecrets(session);
  expect(ofSession.length).toBeGreaterThan(1);
  const pairs = [creds.noiseKey, creds.signedIdentityKey, creds.signedPreKey.keyPair, preKey];
  const secrets = [
    ...pairs.map((pair) => pair.private),
    Buffer.from(creds.advSecretKey, "base64"),
    ...ofSession,
  ];
  const bytes = await dump(database.db);
  expect(bytes.length).toBeGreaterThan(2_000);
  expect(leakedSecrets(bytes, secrets)).toEqual([]);
  const plain = Buffer.from(encodeCreds({ server: "s", creds }));
  expect(leakedSecrets(plain, [creds.noiseKey.private])).toHaveLength(1);
});

function partyOf({ state: { creds, keys } }: AuthState): Party {
  return createParty(alice, keys, hardenedSignalRepository(keys), creds);
}

test("a Signal session continues under the next owner", async () => {
  const channelId = await pairedChannel(database.db);
  const them = createParty(bob, memoryStore());
  {
    await using auth = await open(database.db, { channelId, epoch: 1 });
    const us = partyOf(auth);
    await introduce(us, them);
    const hello = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("one") });
    await them.repository.decryptMessage({ jid: alice, ...hello });
  }
  await using auth = await open(database.db, { channelId, epoch: 2 });
  const us = partyOf(auth);
  const answer = await them.repository.encryptMessage({ jid: alice, data: Buffer.from("two") });
  expect(Buffer.from(await us.repository.decryptMessage({ jid: bob, ...answer })).toString()).toBe("two");
  const again = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("three") });
  expect(Buffer.from(await them.repository.decryptMessage({ jid: alice, ...again })).toString()).toBe(
    "three",
  );
});
