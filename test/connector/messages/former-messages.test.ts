import { randomUUID } from "node:crypto";
import { Binary, Timestamp } from "mongodb";
import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { deduplicationId } from "#connector/messages/deduplication-id.ts";
import { renewFormerMessages } from "#connector/messages/former-messages.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import type { MessageDocument } from "#shared/collections.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { testSeal } from "./messages.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const timestamp = new Date("2026-11-30T12:00:00Z");
const { signal } = new AbortController();

/** A row as a former version wrote it. */
function former(
  channelId: string,
  direction: "in" | "out",
  fields: Partial<MessageDocument>,
): MessageDocument {
  const { messageId = "3EB0A" } = fields;
  const name = direction === "in" ? `in/${peer}/${peer}/${messageId}` : `out/${messageId}`;
  return {
    _id: `${channelId}/${name}`,
    ...{
      channelId,
      messageId,
      direction,
      chat: peer,
      sender: direction === "in" ? peer : null,
      type: "text",
    },
    ...{ status: direction === "in" ? null : "sent", statusRank: direction === "in" ? 0 : 2, timestamp },
    ...fields,
  };
}

test("rows of a former version say what the log, or the kept message, still tells", async () => {
  const channelId = randomUUID();
  const message = { conversation: "From us" };
  await file.all.messages.insertMany([
    former(channelId, "in", { messageId: "LOGGED" }),
    former(channelId, "in", { messageId: "GONE" }),
    former(channelId, "out", {
      messageId: "SENT",
      proto: new Binary(proto.Message.encode(message).finish()),
    }),
    former(channelId, "out", { messageId: "PHONE", sender: "15550100002@s.whatsapp.net" }),
  ]);
  await file.all.events.insertOne({
    _id: deduplicationId(channelId, { chat: peer, sender: peer, messageId: "LOGGED" }),
    ...{ channelId, seq: 1, ord: new Timestamp({ t: 0, i: 0 }), type: "incoming_message", timestamp },
    data: { message: "Hi", content: { type: "text", text: "Hi" }, sentAt: "2026-11-30T11:59:00.000Z" },
  });
  expect(await renewFormerMessages(file.all, signal)).toBe(4);
  const rows = await file.all.messages.find({ channelId }).toArray();
  const byId = Object.fromEntries(rows.map((row) => [row.messageId, row]));
  expect(byId.LOGGED).toMatchObject({
    text: "Hi",
    origin: "contact",
    sentAt: new Date("2026-11-30T11:59:00Z"),
  });
  expect(byId.GONE).toMatchObject({ origin: "contact", sentAt: timestamp, recordedAt: timestamp });
  expect(byId.GONE).not.toHaveProperty("text");
  expect(byId.SENT).toMatchObject({
    text: "From us",
    content: { type: "text", text: "From us" },
    origin: "api",
  });
  expect(byId.PHONE).toMatchObject({ origin: "phone" });
  expect(rows.filter((row) => "timestamp" in row)).toEqual([]);
  expect(await renewFormerMessages(file.all, signal)).toBe(0);
  const store = createMessageStore(file.all, channelId, testSeal(channelId));
  expect((await store.sent("SENT"))?.message.conversation).toBe("From us");
});

test("more rows than one page are renewed, and none after an abort", async () => {
  const channelId = randomUUID();
  const rows = Array.from({ length: 1_100 }, (_, index) =>
    former(channelId, "in", { messageId: `M${index}` }),
  );
  await file.all.messages.insertMany(rows);
  expect(await renewFormerMessages(file.all, AbortSignal.abort())).toBe(0);
  expect(await renewFormerMessages(file.all, signal)).toBe(1_100);
});
