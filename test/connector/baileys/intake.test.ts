import { EventEmitter } from "node:events";
import { makeMutex } from "@whiskeysockets/baileys/lib/Utils/make-mutex.js";
import { expect, test } from "vitest";
import type { BaileysEventMap, BinaryNode, WAMessage, WASocket } from "#connector/baileys/baileys.ts";
import { betweenMessages, takeInOrder } from "#connector/baileys/intake.ts";

test("a connection ends after the current message and before the next", async () => {
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

test("a message that never completes does not keep the connection from ending, exactly once", async () => {
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

test("an end that rejects counts as ended", async () => {
  await betweenMessages({ messageMutex: makeMutex() }, () => Promise.reject(new Error("no connection")));
});

/** A socket's events, and the calls that its journal receives. */
function taken() {
  const calls: string[] = [];
  const journal = {
    connecting: () => void calls.push("connecting"),
    arrived: ({ attrs }: BinaryNode) => void calls.push(`arrived ${attrs.id}, offline ${attrs.offline}`),
    published: (messages: readonly Pick<WAMessage, "key">[]) =>
      void calls.push(`published ${messages.map(({ key }) => key.id)}`),
    confirmed: (id: string) => void calls.push(`confirmed ${id}`),
    caughtUp: () => void calls.push("caught up"),
  };
  const ws = new EventEmitter();
  const wa = { ws, ev: { emit: () => true } } as unknown as WASocket;
  const gate = Promise.withResolvers<void>();
  takeInOrder(wa, journal, { received: () => gate.promise, updated: () => undefined });
  return { calls, ws, wa, inTheLog: () => gate.resolve() };
}

test("the journal is called for messages before Baileys, for acknowledged receipts and for the end of the backlog", () => {
  const { calls, ws } = taken();
  ws.emit("CB:message", { tag: "message", attrs: { id: "M1" } });
  ws.emit("CB:ack,class:receipt", { tag: "ack", attrs: { id: "M1" } });
  ws.emit("CB:ib,,offline", { tag: "ib", attrs: {} });
  expect(calls).toEqual(["connecting", "arrived M1, offline 0", "confirmed M1", "caught up"]);
});

test("a message is published once it is in the log, and never if it was not decrypted", async () => {
  const { calls, wa, inTheLog } = taken();
  const batch = {
    messages: [{ key: { id: "M1" }, message: { conversation: "hello" } }, { key: { id: "M2" } }],
  };
  wa.ev.emit("messages.upsert", { ...batch, type: "notify" } as BaileysEventMap["messages.upsert"]);
  await Promise.resolve();
  expect(calls).toEqual(["connecting"]);
  inTheLog();
  await new Promise(setImmediate);
  expect(calls).toEqual(["connecting", "published M1"]);
});
