import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Scope } from "#shared/scopes.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture, type Listener, qr, type ReceivedEvent } from "./gateway.fixture.ts";

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await GatewayFixture.start({ limits: { subscriptionsPerSocketMax: 2 } });
});

afterAll(() => gateway[Symbol.asyncDispose]());

async function connectWith(scopes: Scope[], channels: string[] | null = null): Promise<Listener> {
  const { key } = await gateway.addKey({ scopes, channels });
  return gateway.connect({ auth: { apiKey: key } });
}

function seqs(received: ReceivedEvent[]): unknown[] {
  return received.filter(({ data }) => data.eventId !== undefined).map(({ data }) => data.seq);
}

describe("subscribe_channel", () => {
  test("is answered, followed by the current state and then live events", async () => {
    const lastStatusUpdate = new Date("2026-01-02T03:04:05.678Z");
    const retryAt = new Date("2026-01-02T03:05:00.000Z");
    const lastDisconnect = { code: 428, reason: "connection_lost", at: "2026-01-02T03:04:05.000Z" };
    const channelId = await gateway.addChannel({
      status: "connecting",
      reason: "connection_lost",
      retryAt,
      lastDisconnect,
      lastStatusUpdate,
    });
    await gateway.addMessages(channelId, 1, 3);
    const client = await gateway.connectAdmin();
    const answer = await client.ask("subscribe_channel", { channelId });
    expect(answer).toEqual({ ok: true, channelId, status: "connecting", seq: 3 });
    await gateway.addMessages(channelId, 4, 4);
    await eventually(() => client.names().includes("incoming_message"));
    expect(client.received.slice(1)).toEqual([
      { name: "subscribed", data: { channelId, status: "connecting", seq: 3 } },
      {
        name: "connection_update",
        data: {
          channelId,
          status: "connecting",
          reason: "connection_lost",
          retryAt: retryAt.toISOString(),
          lastDisconnect,
          timestamp: lastStatusUpdate.toISOString(),
          snapshot: true,
        },
      },
      {
        name: "incoming_message",
        data: {
          channelId,
          seq: 4,
          eventId: expect.any(String),
          timestamp: expect.any(String),
          messageId: "M4",
          type: "incoming",
        },
      },
    ]);
  });

  test.each([
    ["nothing", [], "invalid_request"],
    ["null", [null], "invalid_request"],
    ["an array", [[]], "invalid_request"],
    ["no channel", [{}], "invalid_request"],
    ["a number", [{ channelId: 5 }], "invalid_request"],
    ["an object for the database", [{ channelId: { $ne: null } }], "invalid_request"],
    ["a long channel", [{ channelId: "x".repeat(101) }], "invalid_request"],
    ["an unknown field", [{ channelId: "x", loud: true }], "invalid_request"],
    ["a channel that does not exist", [{ channelId: "nowhere" }], "channel_not_found"],
  ])("with %s fails with a stable code", async (_what, payload, code) => {
    const client = await gateway.connectAdmin();
    const answer = await client.ask("subscribe_channel", ...payload);
    expect(answer).toMatchObject({ ok: false, error: { code } });
    expect(client.received.at(-1)).toMatchObject({ name: "subscription_failed", data: { code } });
  });

  test.each([[-1], [1.5], ["3"], [null], [2 ** 53]])(
    "refuses `after: %j`, naming the field",
    async (after) => {
      const channelId = await gateway.addChannel();
      const client = await gateway.connectAdmin();
      const answer = await client.ask("subscribe_channel", { channelId, after });
      const details = [{ field: "after", message: expect.any(String) }];
      expect(answer.error).toMatchObject({ code: "invalid_request", details });
      expect(client.received.at(-1)?.data).toMatchObject({ channelId, code: "invalid_request" });
    },
  );

  test("does not find channels outside the key's grant or deleted ones", async () => {
    const channelId = await gateway.addChannel();
    const deleted = await gateway.addChannel({ deletedAt: new Date() });
    const client = await connectWith(["channels:read"], ["another", deleted]);
    for (const hidden of [channelId, deleted]) {
      const { error } = await client.ask("subscribe_channel", { channelId: hidden });
      expect(error?.code).toBe("channel_not_found");
    }
  });

  test("is limited to a number of channels; unsubscribing makes room", async () => {
    const [first, second, third] = [
      await gateway.addChannel(),
      await gateway.addChannel(),
      await gateway.addChannel(),
    ];
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId: first });
    await client.ask("subscribe_channel", { channelId: second });
    expect((await client.ask("subscribe_channel", { channelId: third })).error?.code).toBe("rate_limited");
    expect((await client.ask("subscribe_channel", { channelId: second })).ok).toBe(true);
    await client.ask("unsubscribe_channel", { channelId: first });
    expect((await client.ask("subscribe_channel", { channelId: third })).ok).toBe(true);
  });

  test("sent twice repeats the state, but not the events", async () => {
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    await gateway.addMessages(channelId, 1, 1);
    await eventually(() => seqs(client.received).length === 1);
    expect((await client.ask("subscribe_channel", { channelId })).seq).toBe(1);
    await gateway.addMessages(channelId, 2, 3);
    await eventually(() => seqs(client.received).includes(3));
    expect(seqs(client.received)).toEqual([1, 2, 3]);
    expect(client.names().filter((name) => name === "connection_update")).toHaveLength(2);
  });

  test("sends the status of the channel's document, which is written before the log, whatever their dates say", async () => {
    const channelId = await gateway.addChannel({ status: "active" });
    await gateway.addEvent(channelId, 1, "connection_update", { status: "connecting" });
    const client = await gateway.connectAdmin();
    const answer = await client.ask("subscribe_channel", { channelId });
    expect(answer).toMatchObject({ status: "active", seq: 1 });
    const snapshot = client.received.at(-1);
    expect(snapshot?.data).toMatchObject({ status: "active", snapshot: true });
    expect(snapshot?.data).not.toHaveProperty("seq");
  });
});

describe("unsubscribe_channel", () => {
  test("ends the events of that channel, and of no other", async () => {
    const [left, kept] = [await gateway.addChannel(), await gateway.addChannel()];
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId: left });
    await client.ask("subscribe_channel", { channelId: kept });
    expect(await client.ask("unsubscribe_channel", { channelId: left })).toEqual({
      ok: true,
      channelId: left,
    });
    expect(client.received.at(-1)).toEqual({ name: "unsubscribed", data: { channelId: left } });
    await gateway.addMessages(left, 1, 1);
    await gateway.addMessages(kept, 1, 1);
    await eventually(() => client.names().includes("incoming_message"));
    expect(client.received.filter(({ data }) => data.seq === 1 && data.eventId)).toMatchObject([
      { data: { channelId: kept } },
    ]);
  });

  test("succeeds for a channel that is not subscribed, and fails for a malformed request", async () => {
    const client = await gateway.connectAdmin();
    expect((await client.ask("unsubscribe_channel", { channelId: "nowhere" })).ok).toBe(true);
    expect((await client.ask("unsubscribe_channel", null)).error?.code).toBe("invalid_request");
    expect(client.names().at(-1)).toBe("unsubscription_failed");
  });
});

describe("the scopes decide which events a client receives", () => {
  const status = ["connection_update"];
  const cases: [Scope[], string[] | null][] = [
    [["admin"], [...status, "incoming_message", "message_status_update", "qr_code"]],
    [["channels:read"], status],
    [
      ["channels:read", "channels:write"],
      [...status, "qr_code"],
    ],
    [
      ["channels:read", "messages:read"],
      [...status, "incoming_message", "message_status_update"],
    ],
    [
      ["channels:read", "events:read"],
      [...status, "incoming_message", "message_status_update"],
    ],
    [["channels:read", "messages:send"], status],
    [["channels:write"], null],
    [["events:read"], [...status, "incoming_message", "message_status_update"]],
    [["messages:read", "messages:send", "webhooks:manage", "keys:manage"], null],
    [[], null],
  ];

  test.each(cases)("%j receives %j", async (scopes, names) => {
    const channelId = await gateway.addChannel();
    await gateway.setPairing(channelId, qr(1));
    const witness = await gateway.connectAdmin();
    await witness.ask("subscribe_channel", { channelId });
    const client = await connectWith(scopes);
    const answer = await client.ask("subscribe_channel", { channelId });
    expect(answer.error?.code).toBe(names ? undefined : "insufficient_scope");
    const before = client.received.length;
    await gateway.setPairing(channelId, qr(2));
    await eventually(() => witness.received.some(({ data }) => data.attempt === 2));
    await gateway.addEvent(channelId, 1, "connection_update", { status: "active" });
    await gateway.addEvent(channelId, 2, "incoming_message", { messageId: "A" });
    await gateway.addEvent(channelId, 3, "message_status_update", { messageId: "A", status: "read" });
    await eventually(() => seqs(witness.received).includes(3));
    expect(client.names().slice(before).toSorted()).toEqual((names ?? []).toSorted());
    const snapshots = client.received.filter(({ data }) => data.snapshot).map(({ name }) => name);
    const wanted = names?.includes("qr_code") ? ["connection_update", "qr_code"] : status;
    expect(snapshots).toEqual(names ? wanted : []);
  });
});

describe("a QR or pairing code", () => {
  test("is received on each change, once, without `eventId` and `seq`", async () => {
    const channelId = await gateway.addChannel();
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId });
    const first = qr(1);
    await gateway.setPairing(channelId, first);
    await eventually(() => client.received.some(({ data }) => data.attempt === 1));
    await gateway.db.channels.updateOne({ _id: channelId }, { $set: { "pairing.of": 6, name: "renamed" } });
    await gateway.setPairing(channelId, null);
    const code = { kind: "code" as const, text: "ABCD1234", attempt: 1, of: 1, expiresAt: first.expiresAt };
    await gateway.setPairing(channelId, code);
    await eventually(() => client.names().includes("pairing_code"));
    const expiresAt = first.expiresAt.toISOString();
    expect(client.received.filter(({ name }) => /_code$/.test(name))).toEqual([
      {
        name: "qr_code",
        data: {
          channelId,
          qrCode: "data:image/png;base64,qr1",
          attempt: 1,
          of: 6,
          expiresAt,
          timestamp: expect.any(String),
        },
      },
      {
        name: "pairing_code",
        data: { channelId, code: "ABCD1234", expiresAt, timestamp: expect.any(String) },
      },
    ]);
  });

  test("that is still usable is sent to later subscribers as a snapshot; an expired one is not", async () => {
    const waiting = await gateway.addChannel({ status: "qr_ready" });
    const expired = await gateway.addChannel({ status: "qr_ready" });
    await gateway.setPairing(waiting, qr(3));
    await gateway.setPairing(expired, qr(3, -1));
    const client = await gateway.connectAdmin();
    await client.ask("subscribe_channel", { channelId: waiting });
    await client.ask("subscribe_channel", { channelId: expired });
    expect(client.received.filter(({ name }) => name === "qr_code")).toEqual([
      { name: "qr_code", data: expect.objectContaining({ channelId: waiting, attempt: 3, snapshot: true }) },
    ]);
  });
});
