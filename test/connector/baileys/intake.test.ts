import { makeMutex } from "@whiskeysockets/baileys/lib/Utils/make-mutex.js";
import { expect, test } from "vitest";
import { betweenMessages } from "../../../connector/baileys/intake.ts";

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
