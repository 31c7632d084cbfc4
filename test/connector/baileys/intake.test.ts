import { EventEmitter } from "node:events";
import { makeMutex } from "@whiskeysockets/baileys/lib/Utils/make-mutex.js";
import { expect, test } from "vitest";
import type { BaileysEventMap, BinaryNode, WAMessage, WASocket } from "#connector/baileys/baileys.ts";
import { betweenMessages, takeInOrder } from "#connector/baileys/intake.ts";

test("a connection ends after the message that is being taken in, and before the next", async () => {
  const order: string[] = [];
  const socket = { messageMutex: makeMutex() };
  const handedOver = Promise.withResolvers<void>();
  const first = socket.messageMutex.mutex(async () => {
    await handedOver.promise;
    order.push("first");
  });
  const ended = betweenMessages(socket, async () => void order.push("end"));
  const second = socket.messageMutex.mutex(async () => void order.push("second"));
  handedOver.resolve();
  await Promise.all([first, ended, second]);
  expect(order).toEqual(["first", "end", "second"]);
});

test("a message that never gets done does not keep the connection from ending, once", async () => {
  const socket = { messageMutex: makeMutex() };
  const stuck = Promise.withResolvers<void>();
  const taking = socket.messageMutex.mutex(() => stuck.promise);
  let ends = 0;
  await betweenMessages(socket, async () => void ends++);
  stuck.resolve();
  await taking;
  await socket.messageMutex.mutex(async () => undefined);
  expect(ends).toBe(1);
});

test("an end that fails has ended", async () => {
  await betweenMessages({ messageMutex: makeMutex() }, () => Promise.reject(new Error("no line")));
});

/** A socket's events, and what the journal and the listener are told. */
function taken() {
  const told: string[] = [];
  const journal = {
    connecting: () => void told.push("connecting"),
    arrived: ({ attrs }: BinaryNode) => void told.push(`arrived ${attrs.id}, offline ${attrs.offline}`),
    published: (messages: readonly Pick<WAMessage, "key">[]) =>
      void told.push(`published ${messages.map(({ key }) => key.id)}`),
    confirmed: (id: string) => void told.push(`confirmed ${id}`),
    caughtUp: () => void told.push("caught up"),
  };
  const ws = new EventEmitter();
  const wa = { ws, ev: { emit: () => true } } as unknown as WASocket;
  const gate = Promise.withResolvers<void>();
  takeInOrder(wa, journal, { received: () => gate.promise, updated: () => undefined });
  return { told, ws, wa, inTheLog: () => gate.resolve() };
}

test("the journal hears of messages before Baileys does, of acknowledged receipts and of the end of the backlog", () => {
  const { told, ws } = taken();
  ws.emit("CB:message", { tag: "message", attrs: { id: "M1" } });
  ws.emit("CB:ack,class:receipt", { tag: "ack", attrs: { id: "M1" } });
  ws.emit("CB:ib,,offline", { tag: "ib", attrs: {} });
  expect(told).toEqual(["connecting", "arrived M1, offline 0", "confirmed M1", "caught up"]);
});

test("published is what is in the log by then, and not what could not be decrypted", async () => {
  const { told, wa, inTheLog } = taken();
  const batch = {
    messages: [{ key: { id: "M1" }, message: { conversation: "hello" } }, { key: { id: "M2" } }],
  };
  wa.ev.emit("messages.upsert", { ...batch, type: "notify" } as BaileysEventMap["messages.upsert"]);
  await Promise.resolve();
  expect(told).toEqual(["connecting"]);
  inTheLog();
  await new Promise(setImmediate);
  expect(told).toEqual(["connecting", "published M1"]);
});
