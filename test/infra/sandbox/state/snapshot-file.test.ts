import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepState, readState } from "#infra/sandbox/state/snapshot-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandbox-store-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("reading a folder without a snapshot gives null", async () => {
  expect(await readState(join(folder, "not-there"))).toBeNull();
});

test("a saved snapshot is read back, bytes included", async () => {
  const inner = join(folder, "made", "on", "demand");
  const store = keepState(inner, () => ({ name: "Ana", key: Buffer.of(0, 1, 255) }));
  store.touch();
  await store.close();
  expect(await readState(inner)).toEqual({ name: "Ana", key: Buffer.of(0, 1, 255) });
});

test("a change is written automatically, and leaves no temporary file behind", async () => {
  let count = 0;
  await using store = keepState(folder, () => ({ count }), 1);
  count = 7;
  store.touch();
  await vi.waitFor(async () => expect(await readState(folder)).toEqual({ count: 7 }));
  expect(await readdir(folder)).toEqual(["state.json"]);
});

test("many changes are written together, including the last", async () => {
  let count = 0;
  let taken = 0;
  const store = keepState(folder, () => ({ count, taken: ++taken }), 60_000);
  for (count = 1; count < 100; count++) store.touch();
  await store.close();
  expect(await readState(folder)).toEqual({ count: 100, taken: 1 });
});

test("no snapshot is written without a change", async () => {
  await keepState(folder, () => ({})).close();
  expect(await readdir(folder)).toEqual([]);
});

test("concurrent flushes do not disturb each other", async () => {
  let count = 0;
  const store = keepState(folder, () => ({ count }));
  await Promise.all(
    Array.from({ length: 20 }, () => {
      count += 1;
      store.touch();
      return store.flush();
    }),
  );
  expect(await readState(folder)).toEqual({ count: 20 });
});

test("only its owner can read the snapshot file", async () => {
  const store = keepState(folder, () => ({}));
  store.touch();
  await store.close();
  expect((await stat(join(folder, "state.json"))).mode & 0o777).toBe(0o600);
});

test.each([
  ["cut off", '{"format":1,"state":{"nam'],
  ["empty", ""],
  ["another kind of JSON", '"hello"'],
  ["in a later format", '{"format":2,"state":{}}'],
])("a snapshot file that is %s is refused with its path and left unchanged", async (_, content) => {
  const path = join(folder, "state.json");
  await writeFile(path, content);
  await expect(readState(folder)).rejects.toThrow(path);
  await expect(readState(folder)).rejects.toMatchObject({
    name: "SandboxStateError",
    message: expect.stringContaining("paired again"),
  });
  expect(await readFile(path, "utf8")).toBe(content);
});

test("flush reports a failed write, and the next flush repeats it", async () => {
  await writeFile(join(folder, "file"), "");
  const inside = join(folder, "file", "state");
  const store = keepState(inside, () => ({ count: 1 }));
  store.touch();
  await expect(store.flush()).rejects.toThrow();
  await rm(join(folder, "file"));
  await store.flush();
  expect(await readState(inside)).toEqual({ count: 1 });
});
