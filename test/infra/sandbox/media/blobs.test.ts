import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderBlobs, memoryBlobs } from "#infra/sandbox/media/blobs.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandbox-media-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each([
  ["memory", async () => memoryBlobs(100)],
  ["a folder", () => folderBlobs(folder, 100)],
])("blobs in %s", (_, open) => {
  test("return a stored blob, and nothing for an unknown name", async () => {
    const blobs = await open();
    await blobs.put("a", Buffer.of(1, 2, 3));
    expect(await blobs.get("a")).toEqual(Buffer.of(1, 2, 3));
    expect(await blobs.get("b")).toBeUndefined();
  });

  test("drop the oldest to make room for the newest", async () => {
    const blobs = await open();
    for (const [age, name] of ["a", "b", "c"].entries()) {
      await blobs.put(name, Buffer.alloc(40));
      // Files written within one tick of the clock have no order otherwise.
      if (name !== "c") await utimes(join(folder, name), age, age).catch(() => {});
    }
    expect(await blobs.get("a")).toBeUndefined();
    expect(await blobs.get("b")).toHaveLength(40);
    expect(await blobs.get("c")).toHaveLength(40);
  });
});

test("blobs in a folder survive a restart", async () => {
  await (await folderBlobs(folder, 100)).put("a", Buffer.of(1));
  expect(await (await folderBlobs(folder, 100)).get("a")).toEqual(Buffer.of(1));
});

test("storing a name again takes no more room", async () => {
  const blobs = memoryBlobs(100);
  await blobs.put("a", Buffer.alloc(40));
  for (let times = 0; times < 5; times++) await blobs.put("b", Buffer.alloc(50));
  expect(await blobs.get("a")).toHaveLength(40);
});
