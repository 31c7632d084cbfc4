import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { replaceLogin } from "#connector/baileys/login.ts";

const socketWith = (listeners: number) => {
  const ws = new EventEmitter();
  for (let one = 0; one < listeners; one++) ws.on("CB:success", () => undefined);
  return { ws } as unknown as WASocket;
};

test("a Baileys that handles a login in another way than expected is refused, instead of handling it twice", () => {
  expect(() => replaceLogin(socketWith(0), async () => undefined)).toThrow("as expected");
  expect(() => replaceLogin(socketWith(2), async () => undefined)).toThrow("as expected");
});
