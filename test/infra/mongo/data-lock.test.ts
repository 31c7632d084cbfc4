import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockDataFolder } from "#infra/mongo/data-lock.ts";
import { startChild } from "#test/support/child.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const holder = new URL("../../support/hold-data-folder.child.ts", import.meta.url);

test("the lock creates the folder, and can be taken again after disposal", async () => {
  await using parent = await temporaryFolder();
  const folder = join(parent.path, "new", "data");
  for (let round = 0; round < 2; round++) {
    await using _lock = await lockDataFolder(folder);
    expect(await readdir(folder)).toEqual(["lock", "pid"]);
  }
  expect(await readdir(folder)).toEqual(["lock"]);
});

test("a process cannot lock the same folder twice", async () => {
  await using folder = await temporaryFolder();
  await using _lock = await lockDataFolder(folder.path);
  await expect(lockDataFolder(folder.path)).rejects.toThrow(`pid ${process.pid}`);
});

test("another process is refused with the owner's pid, until the owner is killed", async () => {
  await using folder = await temporaryFolder();
  await using child = startChild(holder, [folder.path], { env: process.env });
  await child.prints(/held/);
  await expect(lockDataFolder(folder.path)).rejects.toThrow(`process ${child.pid}`);
  await child.kill();
  await using _lock = await lockDataFolder(folder.path);
});

test("only one of many concurrent attempts gets the lock that a killed process held", async () => {
  await using folder = await temporaryFolder();
  for (let round = 0; round < 3; round++) {
    await using killed = startChild(holder, [folder.path], { env: process.env });
    await killed.prints(/held/);
    await killed.kill();
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => lockDataFolder(folder.path)));
    const locks = tries.filter((attempt) => attempt.status === "fulfilled");
    expect(locks).toHaveLength(1);
    for (const { value } of locks) await value[Symbol.asyncDispose]();
  }
});
