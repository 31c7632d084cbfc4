import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../../infra/sandbox/sandbox.ts";
import { eventually } from "../../support/eventually.ts";
import { Client, faultless, noFaults, textOf } from "./client.ts";

const ana = "15550000001";
const ben = "15550000002";

let sandbox: Sandbox;
let client: Client;

beforeEach(async () => {
  sandbox = await startSandbox(
    process.env.SANDBOX_LOG ? { log: (line) => process.stderr.write(`${line}\n`) } : {},
  );
  client = new Client(sandbox);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

test("an unpatched Baileys pairs by QR, logs in and gets its name", async () => {
  const device = await client.link(sandbox.account(ana));
  expect(device).toMatchObject({ deviceId: 1, jid: `${ana}:1@s.whatsapp.net` });
  await eventually(() => client.auth.creds.me?.name === sandbox.account(ana).pushName);
  await eventually(() => client.history > 0);
  expect(client.auth.creds.myAppStateKeyId).toBeTruthy();
  expect(sandbox.account(ana).devices()).toMatchObject([{ isConnected: true }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a text reaches the contact under its id, is acknowledged, delivered and read", async () => {
  await client.link(sandbox.account(ana));
  const id = await client.send(`${ben}@s.whatsapp.net`, { text: "hello" });
  const message = await sandbox.account(ben).waitForMessage();
  expect(message).toMatchObject({ id, from: ana, text: "hello", copies: 1, fromMe: false, deviceId: 0 });
  await eventually(() => client.statusOf(id).includes(3));
  sandbox.account(ben).markRead(id);
  await eventually(() => client.statusOf(id).includes(4));
  expect(sandbox.account(ana).inbox).toMatchObject([{ id, fromMe: true, chat: ben, text: "hello" }]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a contact's text arrives, by number and by LID", async () => {
  await client.link(sandbox.account(ana));
  await sandbox.account(ben).sendText(ana, "by number");
  const first = await client.receive((message) => textOf(message) === "by number");
  expect(first.key).toMatchObject({
    remoteJid: `${ben}@s.whatsapp.net`,
    remoteJidAlt: sandbox.account(ben).lid,
  });
  await sandbox.account(ben).sendText(ana, "by LID", { addressing: "lid", pushName: "Benny" });
  const second = await client.receive((message) => textOf(message) === "by LID");
  expect(second.key).toMatchObject({
    remoteJid: sandbox.account(ben).lid,
    remoteJidAlt: `${ben}@s.whatsapp.net`,
  });
  expect(second.pushName).toBe("Benny");
  await eventually(() => sandbox.account(ben).receipts.length === 2);
  await eventually(() => sandbox.account(ana).devices()[0]?.queued === 0);
  expect(faultless(sandbox)).toEqual(noFaults);
});
