import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const ours = "15550100311";
const strangers = "15550100312";
const friend = "15550100313";
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

const logged = ({ channelId }: TestChannel) =>
  system.collections.events
    .find({ channelId, seq: { $exists: true } })
    .sort({ seq: 1 })
    .toArray();

/** A channel for `ours`, with the QR that it shows. */
async function showingQr() {
  const channel = await newChannel(system, ours, { phoneNumber: ours });
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  return { channel, qr: pairing?.text ?? "" };
}

test("another account's device is removed, nothing of it is told or kept, and the right one can link after it", async () => {
  const { channel, qr } = await showingQr();
  const stranger = system.sandbox.account(strangers);
  // Held up on its way back, so that something waits for the new device at its first login.
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  await stranger.scan(qr);
  await system.sandbox.account(friend).sendText(strangers, "For the stranger only");
  await eventually(() => stranger.devices().some(({ queued }) => queued > 0));
  system.sandbox.faults.clear();
  const { wanted, config } = await channel.becomes("error", "wrong_number");
  expect([wanted, config.phoneNumber]).toEqual(["disconnected", ours]);
  await eventually(() => stranger.devices().length === 0);
  expect(await authRows(channel)).toEqual([0, 0]);
  const last = await eventually(async () =>
    (await logged(channel)).find(({ data }) => data.status === "error"),
  );
  expect(last.data.reason).toBe("wrong_number");
  const told = (await logged(channel)).map(({ type, data }) => `${type} ${data.status}`);
  const allowed = ["connecting", "qr_ready", "error"].map((status) => `connection_update ${status}`);
  expect(new Set(told)).toEqual(new Set(allowed));
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  expect(pairing?.text).not.toBe(qr);
  await system.sandbox.account(ours).scan(pairing?.text ?? "");
  await channel.becomes("active");
  await system.sandbox.account(friend).sendText(ours, "For us");
  const incoming = async () => (await logged(channel)).filter(({ type }) => type === "incoming_message");
  await eventually(async () => (await incoming()).length > 0);
  expect((await incoming()).map(({ data }) => data.message)).toEqual(["For us"]);
});

test("a connector that stops between the scan and the login finds the stranger when it is back", async () => {
  const { channel, qr } = await showingQr();
  system.sandbox.faults.silence(strangers, true);
  const stranger = system.sandbox.account(strangers);
  await stranger.scan(qr);
  await eventually(async () => (await authRows(channel))[0] === 1);
  await system.stop();
  system.sandbox.faults.clear();
  await system.start();
  await channel.becomes("error", "wrong_number");
  await eventually(() => stranger.devices().length === 0);
  expect(await authRows(channel)).toEqual([0, 0]);
});

test("the number that linking filled in binds nobody: another account may link after a logout", async () => {
  const channel = await pairedChannel(system, friend);
  await post(channel, "logout");
  await channel.becomes("logged_out", "unlinked_by_api");
  expect((await channel.document()).config.phoneNumber).toBe(friend);
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await system.sandbox.account(strangers).scan(pairing?.text ?? "");
  const { config } = await channel.becomes("active");
  expect(config.phoneNumber).toBe(strangers);
});

test("a QR from before a number was given links only that number's account", async () => {
  const channel = await newChannel(system, friend);
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await post(channel, "connect", { phoneNumber: friend });
  await channel.becomes("pairing_code_ready");
  await system.sandbox.account(strangers).scan(pairing?.text ?? "");
  await channel.becomes("error", "wrong_number");
});
