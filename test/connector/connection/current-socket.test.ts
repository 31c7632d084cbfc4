import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { createCurrentSocket } from "#connector/connection/current-socket.ts";
import type { ChannelSocket } from "#connector/connection/socket.ts";

const socket = (): ChannelSocket => ({
  wa: {} as WASocket,
  close: async () => undefined,
  terminate: () => undefined,
});

test("a socket is available from when it is open, and gone once it is forgotten", () => {
  const current = createCurrentSocket();
  const first = socket();
  current.hold(first);
  expect(current.open()).toBeNull();
  current.markOpen();
  const open = current.open();
  expect(open?.wa).toBe(first.wa);
  expect(open?.gone.aborted).toBe(false);
  expect(current.forget()).toBe(first);
  expect(open?.gone.aborted).toBe(true);
  expect(current.held()).toBeNull();
  expect(current.forget()).toBeNull();
});

test("the next socket is not open just because the one before it was", () => {
  const current = createCurrentSocket();
  current.hold(socket());
  current.markOpen();
  current.forget();
  const next = socket();
  current.hold(next);
  expect(current.held()).toBe(next);
  expect(current.open()).toBeNull();
  current.markOpen();
  expect(current.open()?.gone.aborted).toBe(false);
});

test("a watch ends with the next `forget`, even when no socket was held", () => {
  const current = createCurrentSocket();
  const before = current.watch();
  current.hold(socket());
  expect(before()).toBe(true);
  current.forget();
  const between = current.watch();
  expect([before(), between()]).toEqual([false, true]);
  current.forget();
  expect([before(), between()]).toEqual([false, false]);
});
