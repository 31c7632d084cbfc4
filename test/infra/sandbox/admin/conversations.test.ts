import { expect, test } from "vitest";
import type { ReceivedMessage, ReceivedReceipt } from "#infra/sandbox/account.ts";
import { type Correspondent, chats, conversation } from "#infra/sandbox/admin/conversations.ts";

const at = (second: number) => new Date(second * 1000);

const received = (
  id: string,
  from: string,
  second: number,
  more: Partial<ReceivedMessage> = {},
): ReceivedMessage => ({
  id,
  from,
  to: "…",
  at: at(second),
  message: {},
  copies: 1,
  deviceId: 0,
  deviceIds: [0],
  fromMe: false,
  chat: from,
  ...more,
});
const receipt = (messageId: string, type: ReceivedReceipt["type"]): ReceivedReceipt => ({
  messageId,
  from: "…",
  type,
  at: at(0),
});
const person = (
  phoneNumber: string,
  inbox: ReceivedMessage[] = [],
  receipts: ReceivedReceipt[] = [],
): Correspondent => ({ phoneNumber, inbox, receipts });

const ana = person(
  "1",
  [received("a1", "2", 10), received("a2", "3", 20), received("a3", "2", 30)],
  [receipt("b1", "delivered"), receipt("b1", "read"), receipt("b1", "delivered"), receipt("b2", "retry")],
);
const bob = person("2", [
  received("b1", "1", 15),
  received("b2", "1", 40),
  // A message that Bob wrote to Ana on a linked device is in both inboxes and must not be shown twice.
  received("a3", "2", 30, { fromMe: true, chat: "1" }),
]);
const cem = person("3");

test("a conversation merges both halves in chronological order, from either side", () => {
  const ids = (one: Correspondent, other: Correspondent) =>
    conversation(one, other).map(({ message, reader }) => `${message.id}@${reader}`);
  expect(ids(ana, bob)).toEqual(["a1@1", "b1@2", "a3@1", "b2@2"]);
  expect(ids(bob, ana)).toEqual(ids(ana, bob));
  expect(ids(bob, cem)).toEqual([]);
});

test("the most advanced receipt determines a message's progress, whatever came after it", () => {
  const progress = Object.fromEntries(conversation(ana, bob).map((line) => [line.message.id, line.progress]));
  expect(progress).toEqual({ a1: "sent", b1: "read", a3: "sent", b2: "sent" });
});

test("a conversation with oneself shows each message once", () => {
  const own = person("4", [received("d1", "4", 1)]);
  expect(conversation(own, own)).toHaveLength(1);
});

test("chats list the latest conversation first, and no one without one", () => {
  const lines = chats(ana, [ana, cem, bob]).map(({ phoneNumber, messages, last }) => [
    phoneNumber,
    messages,
    last.id,
  ]);
  expect(lines).toEqual([
    ["2", 4, "b2"],
    ["3", 1, "a2"],
  ]);
});
