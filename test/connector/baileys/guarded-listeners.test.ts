import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { guardListeners } from "#connector/baileys/guarded-listeners.ts";
import { createLog } from "#shared/log.ts";

test("a listener that throws is logged without its stanza, and the next stanza is delivered", () => {
  const lines: string[] = [];
  const ws = new EventEmitter();
  guardListeners(
    { ws } as unknown as WASocket,
    createLog("warn", { write: (line: string) => void lines.push(line) }),
  );
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
