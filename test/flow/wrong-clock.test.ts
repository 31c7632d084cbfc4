import { io } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import { apiKey, startSystem } from "../support/system.ts";

const shiftMs = 90_000;
/** How far a date may be from the true time on a busy machine. */
const slackMs = 30_000;

const start = () => startSystem({ processes: "connectors" });
let system: Awaited<ReturnType<typeof start>>;

beforeAll(async () => {
  system = await start();
});

afterAll(() => system[Symbol.asyncDispose]());

const isNow = (date: unknown) => Math.abs(Date.parse(String(date)) - Date.now()) < slackMs;
const isAhead = (date: unknown, ms: number) => {
  const aheadMs = Date.parse(String(date)) - Date.now();
  return aheadMs > 0 && aheadMs <= ms;
};

test.each([
  ["behind", -shiftMs, 1],
  ["ahead", shiftMs, 2],
])(
  "a connector whose clock is 90 s %s links a phone by QR and by code, and dates everything by the database",
  {
    timeout: 180_000,
  },
  async (name, shift, number) => {
    await using connector = await system.start(name, shiftedClock(shift));
    const api = system.api();
    const channel = await newChannel(system, `1555010041${number}`);
    const path = `/channels/${channel.channelId}`;
    const received: Array<[name: string, data: Record<string, unknown>]> = [];
    const socket = io(connector.url, { auth: { apiKey }, transports: ["websocket"] });
    socket.onAny((event: string, data: Record<string, unknown>) => received.push([event, data]));
    await socket.emitWithAck("subscribe_channel", { channelId: channel.channelId });
    const event = (wanted: string, fields: Record<string, unknown> = {}) =>
      eventually(() => {
        const found = received.findLast(([name]) => name === wanted)?.[1];
        expect(found).toMatchObject(fields);
        return found;
      });

    await api.post(`${path}/connect`);
    await channel.becomes("qr_ready");
    const qr = await api.get(`${path}/qr`);
    expect(qr.status).toBe(200);
    expect(isAhead(qr.body.payload.expiresAt, 60_000)).toBe(true);
    const shown = await event("qr_code");
    expect(shown.expiresAt).toBe(qr.body.payload.expiresAt);
    expect(isNow(shown.timestamp)).toBe(true);
    const { body: status } = await api.get(`${path}/status`);
    expect(isNow(status.payload.lastStatusUpdate)).toBe(true);

    const { body: code } = await api.post(`${path}/pairing-code`, {
      phoneNumber: channel.phone.phoneNumber,
    });
    expect(isAhead(code.payload.expiresAt, 160_000)).toBe(true);
    expect(await event("pairing_code")).toMatchObject({
      code: code.payload.code,
      expiresAt: code.payload.expiresAt,
    });
    await channel.phone.typeCode(String(code.payload.code));
    await channel.becomes("active");

    system.sandbox.faults.refuseUpgrade({ status: 429, retryAfterSeconds: 60, times: 1 });
    system.sandbox.faults.drop(channel.phone.phoneNumber);
    const { retryAt, lastDisconnect } = await channel.becomes("connecting", "rate_limited");
    expect(isAhead(retryAt?.toISOString(), 60_000)).toBe(true);
    expect(isNow(lastDisconnect?.at)).toBe(true);
    await event("connection_update", { reason: "rate_limited", retryAt: retryAt?.toISOString() });
    socket.close();
    const events = await system.collections.events
      .find({ channelId: channel.channelId, seq: { $exists: true } })
      .toArray();
    expect(events.map(({ timestamp }) => isNow(timestamp.toISOString()))).toEqual(events.map(() => true));
  },
);
