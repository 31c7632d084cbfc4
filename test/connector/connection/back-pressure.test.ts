import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { holdBack } from "#connector/connection/back-pressure.ts";
import { eventually } from "#test/support/eventually.ts";

/** A socket that delivers frames, and a log that publishes when the test says so. */
function flooded() {
  const raw = {
    isPaused: false,
    pause() {
      raw.isPaused = true;
    },
    resume() {
      raw.isPaused = false;
    },
  };
  const published: PromiseWithResolvers<void>[] = [];
  const mutex = { mutex: async (work: () => Promise<void>) => work() };
  const ws = Object.assign(new EventEmitter(), { socket: raw });
  ws.on("CB:receipt", (probe: { content: unknown }) => expect(() => probe.content).toThrow());
  const wa = { ws, messageMutex: mutex, receiptMutex: mutex, notificationMutex: mutex };
  holdBack(wa as unknown as WASocket, () => {
    const lot = Promise.withResolvers<void>();
    published.push(lot);
    return lot.promise;
  });
  const deliver = (bytes: number) => {
    ws.emit("message", Buffer.alloc(bytes));
    ws.emit("frame", { tag: "message" });
  };
  return { raw, published, deliver };
}

test("a socket is held back at 8 MB of unpublished messages, and goes on at half of that", async () => {
  const { raw, published, deliver } = flooded();
  const lot = 256 * 1024;
  for (let n = 0; n < 32; n++) deliver(lot - 1_024);
  expect(raw.isPaused).toBe(false);
  deliver(lot);
  expect(raw.isPaused).toBe(true);
  await eventually(() => published.length === 33);
  for (const { resolve } of published.slice(0, 17)) resolve();
  await new Promise(setImmediate);
  expect(raw.isPaused).toBe(true);
  published[17]?.resolve();
  await eventually(() => !raw.isPaused);
});

test("small stanzas count 1 KB each, and one frame above the limit holds back at once", async () => {
  const { raw, deliver } = flooded();
  for (let n = 0; n < 9_000; n++) deliver(10);
  expect(raw.isPaused).toBe(true);
  const other = flooded();
  other.deliver(12_500_000);
  expect(other.raw.isPaused).toBe(true);
  await eventually(() => other.published.length === 1);
  other.published[0]?.resolve();
  await eventually(() => !other.raw.isPaused);
});
