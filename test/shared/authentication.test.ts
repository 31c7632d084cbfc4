import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

let database: TestDatabase;
const db = () => collections(database.db);
const hourMs = 3_600_000;
const now = new Date();
const before = new Date(now.getTime() - 1);
const later = new Date(now.getTime() + hourMs);
const latest = new Date(now.getTime() + 2 * hourMs);
/** Somewhat less than this, as time passes. */
const upTo = (ms: number) => expect.toSatisfy((validMs: number) => validMs > ms - 60_000 && validMs <= ms);

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function keyWith(changes: Partial<ApiKeyDocument> = {}) {
  const key = newApiKey();
  const _id = hashSecret(key).slice(0, 8);
  const document: ApiKeyDocument = {
    _id,
    name: "A key",
    hash: hashSecret(key),
    scopes: ["channels:read"],
    channels: ["a"],
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
    ...changes,
  };
  await db().apiKeys.insertOne(document);
  return { key, keyId: _id };
}

async function sessionOf(keyId: string, expiresAt: Date): Promise<string> {
  const cookie = newApiKey();
  await db().consoleSessions.insertOne({ _id: hashSecret(cookie), keyId, createdAt: now, expiresAt });
  return cookie;
}

test("a key authenticates as its grant, without its name and hash", async () => {
  const { key, keyId } = await keyWith();
  expect(await authenticateKey(db(), key)).toEqual({
    keyId,
    scopes: ["channels:read"],
    channels: ["a"],
    validMs: null,
  });
});

test.each([null, ""])("%j as the key is `missing_api_key`", async (key) => {
  await expect(authenticateKey(db(), key)).rejects.toMatchObject({ code: "missing_api_key" });
});

test("an unknown key, a key's hash and a key's id are `invalid_api_key`", async () => {
  const { key, keyId } = await keyWith();
  for (const wrong of [newApiKey(), `${key} `, hashSecret(key), keyId, "x".repeat(100_000)])
    await expect(authenticateKey(db(), wrong)).rejects.toMatchObject({ code: "invalid_api_key" });
});

test("a key expires at its time, not before, by the database's clock", async () => {
  const { key } = await keyWith({ expiresAt: later });
  expect(await authenticateKey(db(), key)).toMatchObject({ validMs: upTo(hourMs) });
  const expired = await keyWith({ expiresAt: before });
  vi.useFakeTimers({ now: before.getTime() - hourMs, toFake: ["Date"] });
  try {
    await expect(authenticateKey(db(), expired.key)).rejects.toMatchObject({ code: "expired_api_key" });
  } finally {
    vi.useRealTimers();
  }
});

test("a revoked key is `invalid_api_key`, even if it has also expired", async () => {
  const { key } = await keyWith({ revokedAt: before, expiresAt: before });
  await expect(authenticateKey(db(), key)).rejects.toMatchObject({ code: "invalid_api_key" });
});

test("a session authenticates as the key that created it, and ends when either of them expires", async () => {
  const cases = [
    { key: null, session: later },
    { key: latest, session: later },
    { key: later, session: latest },
  ];
  for (const { key: expiresAt, session } of cases) {
    const { keyId } = await keyWith({ expiresAt });
    const cookie = await sessionOf(keyId, session);
    expect(await authenticateSession(db(), cookie)).toMatchObject({ keyId, validMs: upTo(hourMs) });
  }
});

test("an ended session is `expired_api_key` while its row still exists", async () => {
  const { keyId } = await keyWith();
  const cookie = await sessionOf(keyId, before);
  await expect(authenticateSession(db(), cookie)).rejects.toMatchObject({ code: "expired_api_key" });
});

test("a session does not outlive its key", async () => {
  const revoked = await keyWith({ revokedAt: before });
  const expired = await keyWith({ expiresAt: before });
  const codes = [];
  for (const keyId of [revoked.keyId, expired.keyId, "gone"]) {
    const cookie = await sessionOf(keyId, latest);
    codes.push(await authenticateSession(db(), cookie).catch(({ code }) => code));
  }
  expect(codes).toEqual(["invalid_api_key", "expired_api_key", "invalid_api_key"]);
});

test("a key is not accepted as a session, nor a session as a key", async () => {
  const { key, keyId } = await keyWith();
  const cookie = await sessionOf(keyId, later);
  for (const wrong of [key, "", "unknown"])
    await expect(authenticateSession(db(), wrong)).rejects.toMatchObject({ code: "invalid_api_key" });
  await expect(authenticateKey(db(), cookie)).rejects.toMatchObject({ code: "invalid_api_key" });
});
