import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { BinaryNode, WASocket } from "#connector/baileys/baileys.ts";
import { handleBeside } from "#connector/baileys/beside.ts";
import { createKeyedQueue } from "#connector/concurrency/keyed-queue.ts";

const contact = "15550100001@s.whatsapp.net";
const server = "@s.whatsapp.net";

/** Handles stanzas as Baileys does: each kind in turn, and what has `offline` in one queue for all. */
function handling() {
  const ws = new EventEmitter();
  const inTurn = createKeyedQueue();
  const mutexOf = (name: string) => ({
    mutex: <T>(code: () => Promise<T> | T) => inTurn(name, async () => code()),
  });
  const wa = { ws, receiptMutex: mutexOf("receipt"), notificationMutex: mutexOf("notification") };
  const done: string[] = [];
  const refused: string[] = [];
  const begun: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<void>>();
  const handle = ({ tag, attrs: { id = "" } }: BinaryNode) => {
    const { mutex } = tag === "receipt" ? wa.receiptMutex : wa.notificationMutex;
    const work = mutex(async () => {
      begun.push(id);
      await answers.get(id)?.promise;
      done.push(id);
    });
    return work.catch(() => void refused.push(id));
  };
  for (const tag of ["CB:receipt", "CB:notification"]) {
    ws.on(tag, (stanza: BinaryNode) => {
      if (stanza.attrs.offline) void inTurn("offline", () => handle(stanza));
      else void handle(stanza);
    });
  }
  handleBeside(wa as unknown as Pick<WASocket, "ws" | "receiptMutex" | "notificationMutex">);
  const deliver = (tag: string, id: string, attrs: BinaryNode["attrs"] = {}, isAnswered = true) => {
    if (!isAnswered) answers.set(id, Promise.withResolvers());
    ws.emit(`CB:${tag}`, { tag, attrs: { id, from: contact, ...attrs } });
  };
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return [...done];
  };
  return { deliver, settle, refused, begun, answer: (id: string) => answers.get(id)?.resolve() };
}

test.each([
  ["receipt", { type: "retry" }],
  ["receipt", { type: "retry", offline: "1" }],
  ["notification", { type: "encrypt" }],
  ["notification", { type: "encrypt", from: server, offline: "1" }],
  ["notification", { type: "server_sync", from: server, offline: "1" }],
  ["notification", { type: "privacy_token" }],
])("a %s %o that waits for WhatsApp does not hold up what follows", async (tag, attrs) => {
  const { deliver, settle, answer } = handling();
  deliver(tag, "waiting", attrs, false);
  deliver(tag, "next");
  deliver(tag, "next-offline", { offline: "2" });
  expect(await settle()).toEqual(["next", "next-offline"]);
  answer("waiting");
  expect(await settle()).toContain("waiting");
});

test("what asks nothing keeps its order", async () => {
  const { deliver, settle, answer } = handling();
  deliver("receipt", "first", {}, false);
  deliver("receipt", "second");
  expect(await settle()).toEqual([]);
  answer("first");
  expect(await settle()).toEqual(["first", "second"]);
});

test("requests of one contact are handled in order, and no more than 512 wait", async () => {
  const { deliver, settle, refused, answer } = handling();
  const ids = Array.from({ length: 520 }, (_, n) => `retry-${n}`);
  for (const id of ids) deliver("receipt", id, { type: "retry" }, id !== "retry-0");
  deliver("receipt", "other", { type: "retry", from: "15550100002@s.whatsapp.net" });
  expect(await settle()).toEqual(["other"]);
  expect(refused).toEqual(ids.slice(512));
  answer("retry-0");
  for (let n = 0; n < 500; n++) await settle();
  expect(await settle()).toEqual(["other", ...ids.slice(0, 512)]);
});

test("of many contacts' requests, 16 are handled at once, 2,048 wait or are handled, and the others are refused", async () => {
  const { deliver, settle, refused, begun } = handling();
  const ids = Array.from({ length: 2_100 }, (_, n) => `retry-${n}`);
  for (const [n, id] of ids.entries()) {
    deliver("receipt", id, { type: "retry", from: `${15550100100 + n}@s.whatsapp.net` }, false);
  }
  for (let n = 0; n < 20; n++) await settle();
  expect(begun).toEqual(ids.slice(0, 16));
  expect(refused).toEqual(ids.slice(2_048));
});
