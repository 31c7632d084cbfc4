import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startSandbox } from "../../../infra/sandbox/sandbox.ts";
import { Client, faultless, noFaults, textOf } from "./client.ts";
import { ana, ben } from "./fixture.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sandbox-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test("a restart keeps links, sessions, inboxes and what waits, under the same root key", async () => {
  const first = await startSandbox({ dataDir });
  const client = new Client(first);
  await client.link(first.account(ana));
  await client.send(`${ben}@s.whatsapp.net`, { text: "before" });
  await first.account(ben).waitForMessage();
  await client.hangUp();
  await first.account(ben).sendText(ana, "over night");
  const { rootKey, mediaCa } = first;
  await first[Symbol.asyncDispose]();

  await using second = await startSandbox({ dataDir });
  expect([second.rootKey, second.mediaCa]).toEqual([rootKey, mediaCa]);
  await using returned = new Client(second, {}, client.auth);
  await returned.open();
  await returned.receive((message) => textOf(message) === "over night");
  await returned.send(`${ben}@s.whatsapp.net`, { text: "after" });
  await second.account(ben).waitForMessage(({ text }) => text === "after");
  expect(second.account(ben).inbox.map(({ text }) => text)).toEqual(["before", "after"]);
  expect(faultless(second)).toEqual(noFaults);
});

test("a port that is taken is an error", async () => {
  await using first = await startSandbox();
  const port = Number(new URL(first.adminUrl).port);
  await expect(startSandbox({ port })).rejects.toThrow("EADDRINUSE");
});
