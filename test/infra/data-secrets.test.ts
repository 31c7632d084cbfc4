import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dataSecret } from "#infra/data-secrets.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test.each([
  ["api-key", /^wp_[A-Za-z0-9_-]{43}$/],
  ["encryption-key", /^[A-Za-z0-9+/]{43}=$/],
  ["connector-id", /^[0-9a-f-]{36}$/],
  ["mongodb-password", /^[A-Za-z0-9_-]{43}$/],
] as const)("the secret %s is generated once, kept, and readable by its owner only", async (name, form) => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data", "sandbox");
  const made = await dataSecret(dataDir, name);
  expect(made).toEqual({ value: expect.stringMatching(form), path: join(dataDir, name), isNew: true });
  expect(await dataSecret(dataDir, name)).toEqual({ ...made, isNew: false });
  expect(await readFile(made.path, "utf8")).toBe(`${made.value}\n`);
  expect([await modeOf(made.path), await modeOf(dataDir)]).toEqual([0o600, 0o700]);
});

test("two data folders get different secrets", async () => {
  await using folder = await temporaryFolder();
  const values = await Promise.all(
    ["a", "b"].map(async (name) => (await dataSecret(join(folder.path, name), "encryption-key")).value),
  );
  expect(new Set(values).size).toBe(2);
});

test("a secret that the operator wrote is used without surrounding whitespace, and closed to other users", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "api-key");
  await writeFile(path, "  my_own_key_of_24_characters \r\n");
  await chmod(path, 0o644);
  const { value, isNew } = await dataSecret(folder.path, "api-key");
  expect({ value, isNew }).toEqual({ value: "my_own_key_of_24_characters", isNew: false });
  expect(await modeOf(path)).toBe(0o600);
});

test("an empty secret file, left by a killed start, is filled", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "api-key");
  await writeFile(path, "", { mode: 0o600 });
  const { value, isNew } = await dataSecret(folder.path, "api-key");
  expect(isNew).toBe(true);
  expect(await readFile(path, "utf8")).toBe(`${value}\n`);
  expect(await modeOf(path)).toBe(0o600);
});

test("an unreadable secret file is an error and is never replaced", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "encryption-key"));
  await expect(dataSecret(folder.path, "encryption-key")).rejects.toMatchObject({ code: "EISDIR" });
});
