import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { ensureBootstrapKey } from "#functions/store/bootstrap-key.ts";
import { withStoredApiKey } from "#infra/api-key-file.ts";
import { embeddedConfig } from "#infra/embedded-config.ts";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import { readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testDatabase } from "../support/test-database.ts";

/** A data folder with its database, to start on as far as keys are concerned. */
async function started() {
  const database = await testDatabase();
  const folder = await temporaryFolder();
  const db = collections(database.db);
  const start = async (environment: Record<string, string> = {}) => {
    const config = readConfig(environment, "embedded");
    const complete = await withStoredApiKey(await embeddedConfig(config, database.uri, folder.path), config);
    const { apiKey } = complete.config;
    await ensureBootstrapKey(db.apiKeys, apiKey, pino({ level: "silent" }));
    return { key: apiKey, lines: complete.lines };
  };
  return {
    db,
    start,
    opens: (key: string | null) =>
      authenticateKey(db, key).then(
        ({ keyId }) => keyId,
        ({ code }) => code,
      ),
    lose: () => rm(join(folder.path, "api-key")),
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

test("a lost API key is replaced: the new key is valid, the old key and its sessions are not, and a line says so", async () => {
  await using data = await started();
  const before = await data.start();
  const session = { _id: hashSecret("cookie"), keyId: "first", createdAt: new Date() };
  await data.db.consoleSessions.insertOne({ ...session, expiresAt: new Date(Date.now() + 3_600_000) });
  await data.lose();
  const after = await data.start();
  expect(after.key).not.toBe(before.key);
  expect(await data.opens(after.key)).toBe("first");
  expect(await data.opens(before.key)).toBe("invalid_api_key");
  await expect(authenticateSession(data.db, "cookie")).rejects.toMatchObject({
    code: "invalid_api_key",
  });
  expect(after.lines).toEqual([
    expect.stringContaining(after.key ?? "none"),
    expect.stringMatching(/^This API key replaces the previous one/),
  ]);
});

test("an ordinary restart keeps the API key and prints nothing about it", async () => {
  await using data = await started();
  const first = await data.start();
  const second = await data.start();
  expect(second.key).toBe(first.key);
  expect(await data.opens(second.key)).toBe("first");
  expect([...first.lines, ...second.lines].join()).not.toMatch(/replaces the previous one/);
});

test("a revoked first key stays revoked", async () => {
  await using data = await started();
  const { key } = await data.start();
  await data.db.apiKeys.updateOne({ _id: "first" }, { $set: { revokedAt: new Date() } });
  expect((await data.start()).lines.join()).not.toMatch(/replaces the previous one/);
  expect(await data.opens(key)).toBe("invalid_api_key");
});

test("an API key set by the operator replaces no stored key", async () => {
  await using data = await started();
  const { key } = await data.start();
  const given = newApiKey();
  expect((await data.start({ API_KEY: given })).lines).toEqual([]);
  expect(await data.opens(key)).toBe("first");
  expect(await data.opens(given)).toBe("invalid_api_key");
});
