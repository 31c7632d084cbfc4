import { EventEmitter } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { BinaryNode, WASocket } from "#connector/baileys/baileys.ts";
import { probeQueue } from "#connector/baileys/queue-probe.ts";
import { admitReceipts } from "#connector/baileys/receipt-admission.ts";
import { eventually } from "#test/support/eventually.ts";

const me = { id: "15550001111:3@s.whatsapp.net", lid: "111:3@lid" };
const contact = "15550002222@s.whatsapp.net";

/** A socket whose Baileys has handled and acknowledged these receipts. Only messages named "ours" are given again. */
function socket() {
  const handled: BinaryNode[] = [];
  const acked: BinaryNode[] = [];
  const asked: object[] = [];
  const found = Promise.withResolvers<void>();
  const ws = new EventEmitter().on("CB:receipt", (receipt: BinaryNode) => {
    handled.push(receipt);
    void receipt.content;
  });
  const wa = {
    ws,
    authState: { creds: { me } },
    sendMessageAck: async (node: BinaryNode) => void acked.push(node),
  };
  const admission = admitReceipts(wa as unknown as WASocket, async (key) => {
    asked.push(key);
    if (key.id === "slow") await found.promise;
    return key.id === "ours" ? { conversation: "again" } : undefined;
  });
  const receive = (attrs: BinaryNode["attrs"], content?: BinaryNode[]) =>
    void ws.emit("CB:receipt", { tag: "receipt", attrs, ...(content ? { content } : {}) });
  return { wa: wa as unknown as WASocket, handled, acked, asked, receive, found, admission };
}

const item = (id: string): BinaryNode => ({ tag: "item", attrs: { id } });

test("a request for a message that the asker may not have is acknowledged, and Baileys does not see it", async () => {
  const { handled, acked, asked, receive } = socket();
  receive({ id: "theirs", type: "retry", from: contact });
  receive({ id: "ours", type: "retry", from: contact }, [
    { tag: "retry", attrs: { count: "1" }, content: [item("further"), item("ids")] },
  ]);
  await eventually(() => handled.length === 1 && acked.length === 1);
  expect(asked).toMatchObject([
    { id: "theirs", remoteJid: contact, participant: contact },
    { id: "ours", remoteJid: contact, participant: contact },
  ]);
  expect(handled[0]?.content).toEqual([{ tag: "retry", attrs: { count: "1" }, content: [] }]);
});

test("our own device asks for a chat's message; in a group the member asks", async () => {
  const { asked, receive } = socket();
  receive({ id: "1", type: "retry", from: "111:0@lid", recipient: contact });
  receive({ id: "2", type: "retry", from: "120@g.us", participant: me.id });
  await eventually(() => asked.length === 2);
  expect(asked).toMatchObject([
    { remoteJid: contact, participant: "111:0@lid" },
    { remoteJid: "120@g.us", participant: me.id },
  ]);
});

test("a receipt that claims to be ours and is not is acknowledged only", async () => {
  const { handled, acked, asked, receive } = socket();
  const chat = { recipient: "15550003333@s.whatsapp.net" };
  receive({ id: "ours", type: "retry", from: contact, participant: me.id, ...chat });
  receive({ id: "ours", type: "read", from: contact, participant: "111@lid", ...chat });
  await eventually(() => acked.length === 2);
  expect([handled, asked]).toEqual([[], []]);
});

test("a request that is still looked up counts as unhandled", async () => {
  const { acked, receive, found, admission } = socket();
  receive({ id: "slow", type: "retry", from: contact });
  const idle = admission.idle().then(() => acked.length);
  expect(await Promise.race([idle, nextTurn()])).toBeUndefined();
  found.resolve();
  expect(await idle).toBe(1);
});

test("a receipt for more than 10,000 messages comes in parts, and a probe passes untouched", async () => {
  const { wa, handled, receive } = socket();
  const list = { tag: "list", attrs: {}, content: Array.from({ length: 25_000 }, (_, n) => item(`M${n}`)) };
  receive({ id: "R1", from: contact }, [list]);
  const sizes = handled.map(({ content }) => {
    const [first] = Array.isArray(content) ? content : [];
    return Array.isArray(first?.content) ? first.content.length : 0;
  });
  expect(sizes).toEqual([10_000, 10_000, 5_000]);
  const probed = probeQueue(wa).then(() => "probed");
  await expect(probed).resolves.toBe("probed");
});
