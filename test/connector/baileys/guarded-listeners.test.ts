import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { guardListeners } from "#connector/baileys/guarded-listeners.ts";
import { createLog } from "#shared/log.ts";

/** An open websocket with guarded listeners, and the lines it logs. */
function guarded() {
  const lines: string[] = [];
  const ws = Object.assign(new EventEmitter(), { isOpen: true });
  const log = createLog("debug", { write: (line: string) => void lines.push(line) });
  guardListeners({ ws } as unknown as WASocket, log);
  return { ws, lines };
}

test("a listener that throws is logged without its stanza, and the next stanza is delivered", () => {
  const { ws, lines } = guarded();
  const delivered: unknown[] = [];
  ws.on("CB:presence", ({ content }: { content?: { tag: string }[] }) => {
    delivered.push(content?.[0]?.tag.length);
    if (!content) throw new TypeError("secret");
  });
  expect(ws.emit("CB:presence", {})).toBe(true);
  expect(ws.emit("CB:presence", { content: [{ tag: "composing" }] })).toBe(true);
  expect(ws.emit("CB:unknown", {})).toBe(false);
  expect(delivered).toEqual([undefined, 9]);
  expect(lines.join()).toContain("stanza dropped");
  expect(lines.join()).not.toContain("secret");
});

test("an asynchronous listener that fails is logged, and the other listeners hear the stanza", async () => {
  const { ws, lines } = guarded();
  const heard: string[] = [];
  ws.on("CB:ib,,offline_preview", () => Promise.reject(new Error("Connection Closed")));
  ws.once("CB:ib,,offline_preview", () => heard.push("once"));
  ws.on("CB:ib,,offline_preview", () => heard.push("on"));
  ws.emit("CB:ib,,offline_preview", {});
  await setImmediate();
  ws.isOpen = false;
  ws.emit("CB:ib,,offline_preview", {});
  await setImmediate();
  expect(heard).toEqual(["once", "on", "on"]);
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(["warn", "debug"]);
});
