import { randomBytes } from "node:crypto";
import type { BinaryNode } from "@whiskeysockets/baileys";
import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type Client, faultless, noFaults, textOf } from "./client.fixture.ts";
import { ana, useSandbox } from "./sandbox.fixture.ts";

const fixture = useSandbox();
const contacts = Array.from({ length: 12 }, (_, index) => `1555000010${index}`);
const device = () => fixture.sandbox.ledger.devices()[0];
const taken = () => fixture.sandbox.snapshot().people[ana]?.companions[0]?.preKeysTaken ?? [];

test("a client low on one-time pre-keys is asked in time and uploads more; none is handed out twice", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  for (const contact of contacts) {
    await sandbox.account(contact).sendText(ana, `from ${contact}`);
    await client.receive((message) => textOf(message) === `from ${contact}`);
    await eventually(() => (device()?.preKeysLeft ?? 0) >= 2);
  }
  expect(sandbox.counts.preKeyNotices).toBeGreaterThanOrEqual(2);
  expect(device()).toMatchObject({ preKeysMissing: 0 });
  expect(new Set(taken()).size).toBe(taken().length);
  expect(taken().length).toBeGreaterThanOrEqual(contacts.length);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client is asked for pre-keys once, however many are taken before it uploads", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  const before = sandbox.counts.preKeyNotices;
  sandbox.faults.ignoreQuery("encrypt", { times: 100 });
  for (const contact of contacts) await sandbox.account(contact).sendText(ana, `from ${contact}`);
  await client.receive((message) => textOf(message) === `from ${contacts.at(-1)}`);
  expect(sandbox.counts.preKeyNotices).toBe(before + 1);
  expect(device()?.preKeysMissing).toBeGreaterThan(0);
});

test("a pre-key uploaded again after it was handed out is not handed out again", async () => {
  const { sandbox } = fixture;
  const client = await linked();
  await sandbox.account(contacts[0] ?? "").sendText(ana, "takes one");
  await client.receive((message) => textOf(message) === "takes one");
  const [used = 0] = taken().slice(-1);
  const left = device()?.preKeysLeft ?? 0;
  await client.socket.query(upload([used, 900_001]));
  expect(device()?.preKeysLeft).toBe(left + 1);
});

async function linked(): Promise<Client> {
  const client = fixture.client();
  await client.link(fixture.sandbox.account(ana));
  return client;
}

/** An upload of pre-keys as Baileys sends it, with the given ids. */
function upload(ids: number[]): BinaryNode {
  const key = (id: number): BinaryNode => ({
    tag: "key",
    attrs: {},
    content: [
      { tag: "id", attrs: {}, content: Buffer.of(id >> 16, (id >> 8) & 255, id & 255) },
      { tag: "value", attrs: {}, content: randomBytes(32) },
    ],
  });
  return {
    tag: "iq",
    attrs: { xmlns: "encrypt", type: "set", to: "@s.whatsapp.net" },
    content: [
      { tag: "registration", attrs: {}, content: Buffer.alloc(4) },
      { tag: "list", attrs: {}, content: ids.map(key) },
    ],
  };
}
