import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { initAuthCreds, makeWASocket, type WASocket } from "#connector/baileys/baileys.ts";
import { waitWithoutTraces } from "#connector/baileys/wait-for-message.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { memoryStore } from "./signal-party.fixture.ts";

/** Accepts connections and says nothing. */
const connections: Socket[] = [];
const silent = createServer((connection) => void connections.push(connection.on("error", () => undefined)));
let wa: WASocket;

beforeEach(async () => {
  await once(silent.listen(0, "127.0.0.1"), "listening");
  const { port } = silent.address() as AddressInfo;
  wa = makeWASocket({
    auth: { creds: initAuthCreds(), keys: memoryStore() },
    logger: quiet as never,
    waWebSocketUrl: `ws://127.0.0.1:${port}`,
  });
});

afterEach(async () => {
  await wa.end(undefined);
  silent.close();
  for (const connection of connections.splice(0)) connection.destroy();
  await once(silent, "close");
});

describe.each([
  ["Baileys' own", () => undefined],
  ["ours", () => waitWithoutTraces(wa)],
])("%s wait for a message", (_name, replace) => {
  beforeEach(replace);

  const listeners = (...names: string[]) =>
    ["TAG:3EB0", "error", ...names].map((name) => wa.ws.listenerCount(name));

  test("resolves to what has its id", async () => {
    const before = listeners("close");
    const answer = wa.waitForMessage("3EB0", 60_000);
    wa.ws.emit("TAG:3EB1", "another");
    wa.ws.emit("TAG:3EB0", "this");
    expect(await answer).toBe("this");
    expect(listeners("close")).toEqual(before);
  });

  test("resolves to undefined when nothing came in time", async () => {
    const before = listeners("close");
    expect(await wa.waitForMessage("3EB0", 1)).toBeUndefined();
    expect(listeners("close")).toEqual(before);
  });

  test("rejects when the WebSocket closes or fails", async () => {
    const before = listeners();
    const closed = wa.waitForMessage("3EB0", 60_000);
    wa.ws.emit("close");
    await expect(closed).rejects.toThrow("Connection Closed");
    const failed = wa.waitForMessage("3EB0", 60_000);
    wa.ws.emit("error", new Error("broken"));
    await expect(failed).rejects.toThrow("broken");
    expect(listeners()).toEqual(before);
  });
});

test("ours makes no stack trace", async () => {
  waitWithoutTraces(wa);
  const { prepareStackTrace } = Error;
  const made = vi.fn();
  Error.prepareStackTrace = made;
  try {
    const answer = wa.waitForMessage("3EB0", 60_000);
    wa.ws.emit("TAG:3EB0", "this");
    expect(await answer).toBe("this");
  } finally {
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
    else Reflect.deleteProperty(Error, "prepareStackTrace");
  }
  expect(made).not.toHaveBeenCalled();
});
