import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type Client, faultless, noFaults } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("an unpatched Baileys pairs by QR, logs in and gets its name and history", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const device = await client.link(sandbox.account(ana));
  expect(device).toMatchObject({ deviceId: 1, jid: `${ana}:1@s.whatsapp.net`, platform: "Mac OS" });
  await eventually(() => client.auth.creds.me?.name === sandbox.account(ana).pushName);
  await eventually(() => client.history > 0);
  expect(client.auth.creds.myAppStateKeyId).toBeTruthy();
  expect(sandbox.account(ana).devices()).toMatchObject([{ isConnected: true }]);
  expect(sandbox.pendingPairings()).toEqual([]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("an unpatched Baileys pairs by code, which may be typed with a dash and in lower case", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  client.connect();
  await eventually(() => client.qr);
  const code = await client.socket.requestPairingCode(ana);
  await eventually(() => sandbox.pendingPairings()[0]?.kind === "code");
  const typed = `${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase();
  await Promise.all([sandbox.account(ana).typeCode(typed), client.closed(515)]);
  expect(client.auth.creds.registered).toBe(true);
  await client.open();
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a wrong pairing code is refused, and the right one still works", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  client.connect();
  await eventually(() => client.qr);
  const code = await client.socket.requestPairingCode(ana);
  await eventually(() => sandbox.pendingPairings()[0]?.phoneNumber === ana);
  const wrong = code.startsWith("A") ? `B${code.slice(1)}` : `A${code.slice(1)}`;
  await expect(sandbox.account(ana).typeCode(wrong)).rejects.toThrow("wrong pairing code");
  await expect(sandbox.account(ben).typeCode(code)).rejects.toThrow("no client asked");
  await expect(sandbox.account(ana).typeCode("123")).rejects.toThrow("eight characters");
  await sandbox.account(ana).typeCode(code);
  await client.open();
  expect(sandbox.account(ana).devices()).toHaveLength(1);
});

test("a socket that is waiting to be paired is listed, with its QR once that is known", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  client.connect();
  const qr = await eventually(() => client.qr);
  expect(sandbox.pendingPairings()).toMatchObject([{ kind: "qr", platform: "Mac OS" }]);
  sandbox.offerQr(qr);
  expect(sandbox.pendingPairings()[0]?.qrText).toBe(qr);
  await client.hangUp();
  await eventually(() => sandbox.pendingPairings().length === 0);
  await expect(sandbox.account(ana).scan(qr)).rejects.toThrow("no client shows this QR");
  await expect(sandbox.account(ana).scan("https://example.com")).rejects.toThrow("not a WhatsApp QR");
});

test("a QR with an altered secret links nothing", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  client.connect();
  const qr = await eventually(() => client.qr);
  const fields = qr.split(",");
  fields[3] = Buffer.alloc(32, 7).toString("base64");
  await expect(sandbox.account(ana).scan(fields.join(","))).rejects.toThrow();
  expect(sandbox.account(ana).devices()).toEqual([]);
});

test("a login with keys that were never linked gets 401", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  client.auth.creds.me = { id: `${ana}:1@s.whatsapp.net`, name: "nobody" };
  client.connect();
  await client.closed(401);
  expect(sandbox.counts.failedLogins).toBe(1);
});

test("a client unlinked by the phone gets 401 at once and at its next login", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await sandbox.account(ana).unlink();
  await client.closed(401);
  client.closes.length = 0;
  client.connect();
  await client.closed(401);
  expect(sandbox.account(ana).devices()).toEqual([]);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a client that logs out is unlinked", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.socket.logout();
  await eventually(() => sandbox.account(ana).devices().length === 0);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a linked client that asks for a pairing code, and one that names no number, are refused", async () => {
  const { sandbox } = fixture;
  const ask = (client: Client, attrs: { stage: string; jid?: string }) => {
    const request = { tag: "link_code_companion_reg", attrs };
    const iq = { to: "s.whatsapp.net", type: "set", xmlns: "md", id: client.socket.generateMessageTag() };
    return client.socket.query({ tag: "iq", attrs: iq, content: [request] });
  };
  const [linked, waiting] = [fixture.client(), fixture.client()];
  await linked.link(sandbox.account(ana));
  const jid = `${ana}@s.whatsapp.net`;
  await expect(ask(linked, { stage: "companion_hello", jid })).rejects.toThrow("bad-request");
  waiting.connect();
  await eventually(() => waiting.qr);
  await expect(ask(waiting, { stage: "companion_hello" })).rejects.toThrow("bad-request");
  expect(faultless(sandbox)).toEqual(noFaults);
});
