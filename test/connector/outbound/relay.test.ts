import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { relay } from "#connector/outbound/relay.ts";
import { type Answers, fakeSocket } from "./fake-socket.fixture.ts";

const prepared = {
  to: "15550100001@s.whatsapp.net",
  type: "text" as const,
  message: { conversation: "Hello" },
};

const onAck = () => undefined;
const on = (wa: WASocket) => ({ wa, gone: new AbortController().signal });
const send = (answers: Answers, ackMs = 20_000) =>
  relay(on(fakeSocket(answers).wa), "3EB0A", prepared, { ackMs, onAck });

describe("what became of a message", () => {
  test("the server took it", async () => {
    expect(await send({}).outcome).toEqual({ kind: "sent" });
  });

  test("the server refused it, with a code", async () => {
    expect(await send({ ack: async () => 463 }).outcome).toEqual({ kind: "refused", whatsappCode: 463 });
  });

  test("no answer came in time", async () => {
    expect(await send({ ack: async () => null }, 20).outcome).toEqual({ kind: "unknown" });
  });

  test("the socket closed before the answer", async () => {
    const closed = () => Promise.reject(new Error("Connection Closed"));
    expect(await send({ ack: closed }).outcome).toEqual({ kind: "unknown" });
  });

  test("it failed after it may have left, and the answer says it did", async () => {
    const { written, outcome } = send({ failures: 1, isOnWireWhenFailing: true });
    expect(await written).toEqual({ isOnWire: true, error: expect.any(Error) });
    expect(await outcome).toEqual({ kind: "sent" });
  });

  test("it failed after it may have left, and nothing says more", async () => {
    const { outcome } = send({ failures: 1, isOnWireWhenFailing: true, ack: async () => null }, 20);
    expect(await outcome).toEqual({ kind: "unknown" });
  });

  test("it never left: that is known without waiting for an answer", async () => {
    const { written, outcome } = send({ failures: 1 });
    expect(await outcome).toBeNull();
    expect(await written).toEqual({ isOnWire: false, error: expect.any(Error) });
  });
});

test.each([
  ["a receipt, which can overtake the answer, says that the server took it", "receipt", "sent"],
  ["something else with the same id is no answer", "notification", "unknown"],
])("%s", async (_, tag, kind) => {
  const { wa } = fakeSocket({});
  const other = { ...wa, waitForMessage: async () => ({ tag, attrs: { id: "3EB0A" } }) };
  const { outcome } = relay(on(other as unknown as typeof wa), "3EB0A", prepared, { ackMs: 1_000, onAck });
  expect(await outcome).toEqual({ kind });
});

test("an answer counts from when it comes, also while Baileys is still busy", async () => {
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
