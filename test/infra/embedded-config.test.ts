import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assertOwnDatabaseKeys, embeddedConfig } from "#infra/embedded-config.ts";
import { readConfig } from "#shared/config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const mongoUri = "mongodb://127.0.0.1:1/waypost";
const given = {
  API_KEY: "k".repeat(24),
  ENCRYPTION_KEY: randomBytes(32).toString("base64"),
  CONNECTOR_ID: "mine",
};

test("keys and connector id that are not set are generated, and are the same at the next start", async () => {
  await using folder = await temporaryFolder();
  const config = readConfig({ PORT: "1" }, "embedded");
  const first = await embeddedConfig(config, mongoUri, folder.path);
  const second = await embeddedConfig(config, mongoUri, folder.path);
  expect(second.config).toEqual(first.config);
  expect(first.config).toMatchObject({
    ...config,
    mongoUri,
    encryptionKeys: [expect.any(Buffer)],
    apiKey: expect.any(String),
    connectorId: expect.any(String),
  });
  expect(first.config.encryptionKeys[0]).toHaveLength(32);
});

test("the API key is printed when it is generated; later starts print only its path", async () => {
  await using folder = await temporaryFolder();
  const config = readConfig({}, "embedded");
  const path = join(folder.path, "api-key");
  const first = await embeddedConfig(config, mongoUri, folder.path);
  const key = (await readFile(path, "utf8")).trim();
  expect(first.lines).toEqual([`API key: ${key}  (kept in ${path})`]);
  const second = await embeddedConfig(config, mongoUri, folder.path);
  expect(second.lines).toEqual([`API key: kept in ${path}`]);
});

test("keys and connector id that are set are used: nothing is generated or printed", async () => {
  await using folder = await temporaryFolder();
  const config = readConfig(given, "embedded");
  const complete = await embeddedConfig(config, mongoUri, folder.path);
  expect(complete).toEqual({ config: { ...config, mongoUri }, lines: [] });
  expect(await readdir(folder.path)).toEqual([]);
});

test("a damaged encryption key is a configuration error, and its file is not overwritten", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "encryption-key");
  await writeFile(path, "c2hvcnQ=\n");
  const completed = embeddedConfig(readConfig({}, "embedded"), mongoUri, folder.path);
  await expect(completed).rejects.toMatchObject({
    name: "ConfigError",
    message: expect.stringContaining(path),
  });
  expect(await readFile(path, "utf8")).toBe("c2hvcnQ=\n");
});

test("an external database requires ENCRYPTION_KEY", () => {
  expect(() => assertOwnDatabaseKeys(readConfig({}, "embedded"))).toThrow(
    /^The configuration is not valid:\n {2}- ENCRYPTION_KEY is required with MONGO_URI/,
  );
  assertOwnDatabaseKeys(readConfig(given, "embedded"));
});
