import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const ownNumber = "15550100311";
const wrongNumber = "15550100312";
const contactNumber = "15550100313";
let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ timings: { backoff: { baseMs: 50, maxMs: 200 } } });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const post = ({ channelId }: TestChannel, action: string, body: object = {}) =>
  system.api().post(`/channels/${channelId}/${action}`, body);

const authRows = async ({ channelId }: TestChannel) => {
  const { db } = system.database;
  const rows = { channelId, _id: { $not: /\/fence$/ } as never };
  return [
    await db.collection("whatsapp_auth_creds").countDocuments(rows),
    await db.collection("whatsapp_auth_keys").countDocuments(rows),
  ];
};

const publishedEvents = ({ channelId }: TestChannel) =>
  system.collections.events
    .find({ channelId, seq: { $exists: true } })
    .sort({ seq: 1 })
    .toArray();

/** Creates a channel for `ownNumber` and waits for its QR. */
async function showingQr() {
  const channel = await newChannel(system, ownNumber, { phoneNumber: ownNumber });
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  return { channel, qr: pairing?.text ?? "" };
}

test("a wrong account's device is unlinked, none of its data is published or kept, and the right account can link next", async () => {
  const { channel, qr } = await showingQr();
  const wrongPhone = system.sandbox.account(wrongNumber);
  // Delays the new device's first login, so that a message is queued for it by then.
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  await wrongPhone.scan(qr);
  await system.sandbox.account(contactNumber).sendText(wrongNumber, "For the wrong account only");
  await eventually(() => wrongPhone.devices().some(({ queued }) => queued > 0));
  system.sandbox.faults.clear();
  const { wanted, config } = await channel.becomes("error", "wrong_number");
  expect([wanted, config.phoneNumber]).toEqual(["disconnected", ownNumber]);
  await eventually(() => wrongPhone.devices().length === 0);
  expect(await authRows(channel)).toEqual([0, 0]);
  const last = await eventually(async () =>
    (await publishedEvents(channel)).find(({ data }) => data.status === "error"),
  );
  expect(last.data.reason).toBe("wrong_number");
  const published = (await publishedEvents(channel)).map(({ type, data }) => `${type} ${data.status}`);
  const allowed = ["connecting", "qr_ready", "error"].map((status) => `connection_update ${status}`);
  expect(new Set(published)).toEqual(new Set(allowed));
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  expect(pairing?.text).not.toBe(qr);
  await system.sandbox.account(ownNumber).scan(pairing?.text ?? "");
  await channel.becomes("active");
  await system.sandbox.account(contactNumber).sendText(ownNumber, "For us");
  const incoming = async () =>
    (await publishedEvents(channel)).filter(({ type }) => type === "incoming_message");
  await eventually(async () => (await incoming()).length > 0);
  expect((await incoming()).map(({ data }) => data.message)).toEqual(["For us"]);
});

test("a connector that stops between the scan and the login detects the wrong account after its restart", async () => {
  const { channel, qr } = await showingQr();
  system.sandbox.faults.silence(wrongNumber, true);
  const wrongPhone = system.sandbox.account(wrongNumber);
  await wrongPhone.scan(qr);
  await eventually(async () => (await authRows(channel))[0] === 1);
  await system.stop();
  system.sandbox.faults.clear();
  await system.start();
  await channel.becomes("error", "wrong_number");
  await eventually(() => wrongPhone.devices().length === 0);
  expect(await authRows(channel)).toEqual([0, 0]);
});

test("a number filled in by linking does not bind the channel: another account may link after a logout", async () => {
  const channel = await pairedChannel(system, contactNumber);
  await post(channel, "logout");
  await channel.becomes("logged_out", "unlinked_by_api");
  expect((await channel.document()).config.phoneNumber).toBe(contactNumber);
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await system.sandbox.account(wrongNumber).scan(pairing?.text ?? "");
  const { config } = await channel.becomes("active");
  expect(config.phoneNumber).toBe(wrongNumber);
});

test("a QR shown before a number was given rejects any other account", async () => {
  const channel = await newChannel(system, contactNumber);
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await post(channel, "connect", { phoneNumber: contactNumber });
  await channel.becomes("pairing_code_ready");
  await system.sandbox.account(wrongNumber).scan(pairing?.text ?? "");
  await channel.becomes("error", "wrong_number");
});
