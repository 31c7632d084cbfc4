import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { createMessageSeal } from "#connector/messages/message-seal.ts";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { rereadUnsupported } from "#connector/messages/reread-messages.ts";
import type { WrappedKeyDocument } from "#shared/collections.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const masterKeys = [randomBytes(32)];
const { signal } = new AbortController();

/** A channel with messages of a version that knew other kinds. */
async function channelWith(bodies: Record<string, proto.IMessage>) {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const save = async (messageKeys: WrappedKeyDocument[]) =>
    void (await file.all.channels.updateOne({ _id: channel._id }, { $set: { messageKeys } }));
  const store = createMessageStore(file.all, channel._id, createMessageSeal({ channel, masterKeys, save }));
  for (const [messageId, body] of Object.entries(bodies)) {
    const content = { type: "unsupported" as const, kind: "field 4000" };
    const place = { messageId, from: peer, sender: peer, sentAt: new Date(0).toISOString() };
    await store.seen(
      {
        ...{ chat: peer, sender: peer, messageId, type: "incoming_message" },
        data: { ...place, message: "", content, type: "incoming" },
      },
      proto.Message.encode(body).finish(),
    );
  }
  await file.all.messages.updateMany({ channelId: channel._id }, { $set: { readBy: "older" } });
  const row = (messageId: string) => file.all.messages.findOne({ channelId: channel._id, messageId });
  return { channelId: channel._id, row };
}

test("a message of a kind that an update knows is readable after it, and one that it does not know stays as it is", async () => {
  const { row } = await channelWith({
    PLACE: {
      ephemeralMessage: { message: { locationMessage: { degreesLatitude: 1.5, degreesLongitude: 2.5 } } },
    },
    TEXT: { extendedTextMessage: { text: "Hi", contextInfo: { stanzaId: "3EB0Q" } } },
    LATER: { messageContextInfo: { messageSecret: Buffer.alloc(32) } },
  });
  expect(await rereadUnsupported(file.all, masterKeys, signal)).toBe(2);
  expect(await row("PLACE")).toMatchObject({
    type: "location",
    content: { type: "location", latitude: 1.5 },
  });
  expect(await row("TEXT")).toMatchObject({
    type: "text",
    text: "Hi",
    context: { replyTo: { messageId: "3EB0Q" } },
  });
  expect(await row("LATER")).toMatchObject({ type: "unsupported", content: { kind: "field 4000" } });
  expect(await rereadUnsupported(file.all, masterKeys, signal)).toBe(0);
});

test("what cannot be opened, or belongs to no channel any more, is passed over, and nothing is read after an abort", async () => {
  const { channelId } = await channelWith({ A: { conversation: "Hi" } });
  expect(await rereadUnsupported(file.all, masterKeys, AbortSignal.abort())).toBe(0);
  expect(await rereadUnsupported(file.all, [randomBytes(32)], signal)).toBe(0);
  await file.all.messages.updateMany({ channelId }, { $set: { readBy: "older" } });
  await file.all.channels.deleteOne({ _id: channelId });
  expect(await rereadUnsupported(file.all, masterKeys, signal)).toBe(0);
});
