import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { createCurrentSocket } from "#connector/connection/current-socket.ts";
import type { ChannelSocket } from "#connector/connection/socket.ts";

const socket = (): ChannelSocket => ({
  wa: {} as WASocket,
  close: async () => undefined,
  terminate: () => undefined,
});

test("a socket is to be had from when it is open, and gone from when it is forgotten", () => {
  const sole = createCurrentSocket();
  const first = socket();
  sole.hold(first);
  expect(sole.open()).toBeNull();
  sole.markOpen();
  const open = sole.open();
  expect(open?.wa).toBe(first.wa);
  expect(open?.gone.aborted).toBe(false);
  expect(sole.forget()).toBe(first);
  expect(open?.gone.aborted).toBe(true);
  expect(sole.held()).toBeNull();
  expect(sole.forget()).toBeNull();
});

test("the next socket is not open because the one before it was", () => {
  const sole = createCurrentSocket();
  sole.hold(socket());
  sole.markOpen();
  sole.forget();
  const next = socket();
  sole.hold(next);
  expect(sole.held()).toBe(next);
  expect(sole.open()).toBeNull();
  sole.markOpen();
  expect(sole.open()?.gone.aborted).toBe(false);
});

test("who watched before a socket was forgotten is not current, also when there was none", () => {
  const sole = createCurrentSocket();
  const before = sole.watch();
  sole.hold(socket());
  expect(before()).toBe(true);
  sole.forget();
  const between = sole.watch();
  expect([before(), between()]).toEqual([false, true]);
  sole.forget();
  expect([before(), between()]).toEqual([false, false]);
});
