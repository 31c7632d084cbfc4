import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { readState } from "#infra/sandbox/state/snapshot-file.ts";
import type { SandboxState } from "#infra/sandbox/state/state.ts";
import { eventually } from "#test/support/eventually.ts";
import { Client, faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben } from "../sandbox.fixture.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sandbox-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test("a restart keeps linked clients, sessions, inboxes, queued messages and the root key", async () => {
  const first = await startSandbox({ dataDir });
  const client = new Client(first);
  await client.link(first.account(ana));
  await client.send(`${ben}@s.whatsapp.net`, { text: "before" });
  await first.account(ben).waitForMessage();
  await client.hangUp();
  await first.account(ben).sendText(ana, "over night");
  const picture = { kind: "image", bytes: Buffer.from("a picture"), mimetype: "image/png" } as const;
  await first.account(ana).sendMedia(ben, picture);
  const { rootKey, mediaCa } = first;
  await first[Symbol.asyncDispose]();

  await using second = await startSandbox({ dataDir });
  expect([second.rootKey, second.mediaCa]).toEqual([rootKey, mediaCa]);
  await using returned = new Client(second, {}, client.auth);
  await returned.open();
  await returned.receive((message) => textOf(message) === "over night");
  await returned.send(`${ben}@s.whatsapp.net`, { text: "after" });
  await second.account(ben).waitForMessage(({ text }) => text === "after");
  const inbox = second.account(ben).inbox;
  expect(inbox.map(({ text }) => text)).toEqual(["before", undefined, "after"]);
  expect(inbox[1]?.media?.bytes.toString()).toBe("a picture");
  expect(faultless(second)).toEqual(noFaults);
});

test("a linked client is on disk once the phone has scanned, and gone once the phone has unlinked it", async () => {
  await using sandbox = await startSandbox({ dataDir });
  const linkedOnDisk = async () => {
    const saved = (await readState(dataDir)) as SandboxState | null;
    return saved?.people[ana]?.companions.length ?? 0;
  };
  await using client = new Client(sandbox);
  client.connect();
  const account = sandbox.account(ana);
  await account.scan(await eventually(() => client.qr));
  expect(await linkedOnDisk()).toBe(1);
  await account.unlink();
  expect(await linkedOnDisk()).toBe(0);
});

test("a group and its sender keys survive a restart", async () => {
  const first = await startSandbox({ dataDir });
  const client = new Client(first);
  await client.link(first.account(ana));
  const { id } = first.account(ben).createGroup("Choir", [ana]);
  await client.send(id, { text: "before" });
  await first.account(ben).waitForMessage(({ text }) => text === "before");
  await client.hangUp();
  await first[Symbol.asyncDispose]();

  await using second = await startSandbox({ dataDir });
  await using returned = new Client(second, {}, client.auth);
  await returned.open();
  await returned.send(id, { text: "after" });
  await second.account(ben).waitForMessage(({ text }) => text === "after");
  await second.account(ben).sendText(id, "answer");
  await returned.receive((message) => textOf(message) === "answer");
  expect(faultless(second)).toEqual(noFaults);
});

test("a snapshot that is not a sandbox's is refused", async () => {
  await writeFile(join(dataDir, "state.json"), JSON.stringify({ format: 1, state: { version: 2 } }));
  await expect(startSandbox({ dataDir })).rejects.toThrow("it is not the state of a sandbox");
});

test("a snapshot is a copy", async () => {
  await using sandbox = await startSandbox();
  const before = sandbox.snapshot();
  sandbox.account(ana);
  expect(Object.keys(before.people)).toEqual([]);
  expect(Object.keys(sandbox.snapshot().people)).toEqual([ana]);
});

test("starting on a port that is taken fails", async () => {
  await using first = await startSandbox();
  const port = Number(new URL(first.adminUrl).port);
  await expect(startSandbox({ port })).rejects.toThrow("EADDRINUSE");
});
