import { expect, test } from "vitest";
import { commandLine } from "#infra/mongo/command-line.ts";
import { databaseFolder } from "../support/temporary-folder.ts";
import { end, greeting, keyIn, pair, serverOf, start } from "./main.fixture.ts";

test("a SIGTERM while mongod hangs ends within 30 s, and nothing is left running", {
  timeout: 240_000,
}, async () => {
  await using folder = await databaseFolder();
  await using child = start(folder.path, ["--sandbox"]);
  const { url, phone } = await greeting(child);
  await pair(url, phone, await keyIn(folder.path));
  const mongod = await serverOf(folder.path);
  process.kill(mongod, "SIGSTOP");
  await end(child);
  expect(await commandLine(mongod)).toBeUndefined();
});
