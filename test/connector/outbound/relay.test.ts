import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { relay } from "#connector/outbound/relay.ts";
import { type Answers, fakeSocket } from "./fake-socket.fixture.ts";

const prepared = {
  to: "15550100001@s.whatsapp.net",
  jid: "15550100001@s.whatsapp.net",
  type: "text" as const,
  message: { conversation: "Hello" },
};

const onAck = () => undefined;
const on = (wa: WASocket) => ({ wa, gone: new AbortController().signal });
const send = (answers: Answers, ackMs = 20_000) =>
  relay(on(fakeSocket(answers).wa), "3EB0A", prepared, { ackMs, onAck });

describe("the outcome of a relay", () => {
  test("is `sent` when the server accepts the message", async () => {
    expect(await send({}).outcome).toEqual({ kind: "sent" });
  });

  test("is `refused` with the server's code", async () => {
    expect(await send({ ack: async () => 463 }).outcome).toEqual({ kind: "refused", whatsappCode: 463 });
  });

  test("is `unknown` when no acknowledgement arrives in time", async () => {
    expect(await send({ ack: async () => null }, 20).outcome).toEqual({ kind: "unknown" });
  });

  test("is `unknown` when the socket closes before the acknowledgement", async () => {
    const closed = () => Promise.reject(new Error("Connection Closed"));
    expect(await send({ ack: closed }).outcome).toEqual({ kind: "unknown" });
  });

  test("is `sent` when the relay fails after the stanza may have left and the acknowledgement arrives", async () => {
    const { written, outcome } = send({ failures: 1, isOnWireWhenFailing: true });
    expect(await written).toEqual({ isOnWire: true, error: expect.any(Error) });
    expect(await outcome).toEqual({ kind: "sent" });
  });

  test("is `unknown` when the relay fails after the stanza may have left and no acknowledgement arrives", async () => {
    const { outcome } = send({ failures: 1, isOnWireWhenFailing: true, ack: async () => null }, 20);
    expect(await outcome).toEqual({ kind: "unknown" });
  });

  test("is null at once when the stanza did not reach the wire", async () => {
    const { written, outcome } = send({ failures: 1 });
    expect(await outcome).toBeNull();
    expect(await written).toEqual({ isOnWire: false, error: expect.any(Error) });
  });
});

test.each([
  ["a receipt that overtakes the acknowledgement counts as `sent`", "receipt", "sent"],
  ["another stanza with the same id is no acknowledgement", "notification", "unknown"],
])("%s", async (_, tag, kind) => {
  const { wa } = fakeSocket({});
  const other = { ...wa, waitForMessage: async () => ({ tag, attrs: { id: "3EB0A" } }) };
  const { outcome } = relay(on(other as unknown as typeof wa), "3EB0A", prepared, { ackMs: 1_000, onAck });
  expect(await outcome).toEqual({ kind });
});

test("an acknowledgement counts as soon as it arrives, even while Baileys is still writing", async () => {
  const stored = Promise.withResolvers<void>();
  const { wa } = fakeSocket({});
  const busy = {
    ...wa,
    relayMessage: () => stored.promise,
    waitForMessage: async () => ({ tag: "ack", attrs: {} }),
  };
  const { written, outcome } = relay(on(busy as unknown as typeof wa), "3EB0A", prepared, {
    ackMs: 1_000,
    onAck,
  });
  expect(await outcome).toEqual({ kind: "sent" });
  expect(await Promise.race([written, delay(1, "busy")])).toBe("busy");
  stored.resolve();
  expect((await written).isOnWire).toBe(true);
});
