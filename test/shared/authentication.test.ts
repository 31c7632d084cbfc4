import { afterAll, beforeAll, expect, test } from "vitest";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

let database: TestDatabase;
const db = () => collections(database.db);
const now = new Date("2026-01-01T12:00:00Z");
const later = new Date("2026-01-01T13:00:00Z");
const latest = new Date("2026-01-01T14:00:00Z");

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
  expect(await authenticateKey(db(), key, now)).toEqual({
    keyId,
    scopes: ["channels:read"],
    channels: ["a"],
    expiresAt: null,
  });
});

test.each([null, ""])("%j as the key is `missing_api_key`", async (key) => {
  await expect(authenticateKey(db(), key, now)).rejects.toMatchObject({ code: "missing_api_key" });
});

test("an unknown key, a key's hash and a key's id are `invalid_api_key`", async () => {
  const { key, keyId } = await keyWith();
  for (const wrong of [newApiKey(), `${key} `, hashSecret(key), keyId, "x".repeat(100_000)])
    await expect(authenticateKey(db(), wrong, now)).rejects.toMatchObject({ code: "invalid_api_key" });
});

test("a key expires at its time, not before", async () => {
  const { key } = await keyWith({ expiresAt: later });
  expect(await authenticateKey(db(), key, new Date(later.getTime() - 1))).toMatchObject({ expiresAt: later });
  await expect(authenticateKey(db(), key, later)).rejects.toMatchObject({ code: "expired_api_key" });
});

test("a revoked key is `invalid_api_key`, even if it has also expired", async () => {
  const { key } = await keyWith({ revokedAt: now, expiresAt: now });
  await expect(authenticateKey(db(), key, later)).rejects.toMatchObject({ code: "invalid_api_key" });
});

test("a session authenticates as the key that created it, and ends when either of them expires", async () => {
  const cases = [
    { key: null, session: later, ends: later },
    { key: latest, session: later, ends: later },
    { key: later, session: latest, ends: later },
  ];
  for (const { key: expiresAt, session, ends } of cases) {
    const { keyId } = await keyWith({ expiresAt });
    const cookie = await sessionOf(keyId, session);
    expect(await authenticateSession(db(), cookie, now)).toMatchObject({ keyId, expiresAt: ends });
  }
});

test("an ended session is `expired_api_key` while its row still exists", async () => {
  const { keyId } = await keyWith();
  const cookie = await sessionOf(keyId, later);
  await expect(authenticateSession(db(), cookie, later)).rejects.toMatchObject({ code: "expired_api_key" });
});

test("a session does not outlive its key", async () => {
  const revoked = await keyWith({ revokedAt: now });
  const expired = await keyWith({ expiresAt: now });
  const codes = [];
  for (const keyId of [revoked.keyId, expired.keyId, "gone"]) {
    const cookie = await sessionOf(keyId, latest);
    codes.push(await authenticateSession(db(), cookie, later).catch(({ code }) => code));
  }
  expect(codes).toEqual(["invalid_api_key", "expired_api_key", "invalid_api_key"]);
});

test("a key is not accepted as a session, nor a session as a key", async () => {
  const { key, keyId } = await keyWith();
  const cookie = await sessionOf(keyId, later);
  for (const wrong of [key, "", "unknown"])
    await expect(authenticateSession(db(), wrong, now)).rejects.toMatchObject({ code: "invalid_api_key" });
  await expect(authenticateKey(db(), cookie, now)).rejects.toMatchObject({ code: "invalid_api_key" });
});
