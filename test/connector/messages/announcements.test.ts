import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { createAnnouncements } from "#connector/messages/announcements.ts";
import { keyNames } from "#connector/messages/key-names.ts";
import { newApiKey } from "#shared/api-key.ts";
import { commandDocument, keyDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sentText } from "./messages.fixture.ts";

const file = fileDatabase();
const peer = "15550100001@s.whatsapp.net";
const own = "15550100002@s.whatsapp.net";

async function opened(channelId: string = randomUUID(), epoch = 1, ownJid = own) {
  const events = await openEventLog(file.all.events, { channelId, epoch });
  const names = keyNames(file.all.apiKeys);
  const announcements = createAnnouncements(
    { channelId, now: Date.now },
    { events, keyNames: names, ownJid: () => ownJid },
  );
  const published = async () => {
    await events.flush();
    return file.all.events
      .find({ channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
  };
  return { channelId, announcements, published };
}

test("a send is announced once, however often it is tried, and by whichever owner", async () => {
  const { channelId, announcements, published } = await opened();
  const [sent] = sentText("3EB0A", peer, "Hello", { sender: own, via: "shop" });
  await Promise.all([announcements.announce(sent), announcements.announce(sent)]);
  const next = await opened(channelId, 2);
  await next.announcements.announce(sent);
  expect((await published()).map(({ type, data }) => ({ type, data }))).toEqual([
    {
      type: "outgoing_message",
      data: {
        ...{ messageId: "3EB0A", from: peer, to: peer, sender: own, sentAt: sent.sentAt.toISOString() },
        ...{
          message: "Hello",
          content: { type: "text", text: "Hello" },
          type: "outgoing",
          origin: "api",
          via: "shop",
        },
      },
    },
  ]);
});

test.each([
  [{ type: "text", text: "Hi" }, "Hi", { type: "text", text: "Hi" }],
  [
    { type: "image", media: { url: "https://example.com/a.png" }, caption: "Look" },
    "Look",
    { type: "image", caption: "Look", mimetype: null, sizeBytes: null },
  ],
])("a send that ends before it is made is announced by its payload: %j", async (content, message, told) => {
  const { channelId, announcements, published } = await opened();
  const payload = { to: peer, content };
  await announcements.announceUnsent({ ...commandDocument(channelId, { payload }), messageId: "3EB0A" });
  expect((await published()).map(({ data }) => data)).toMatchObject([{ message, content: told, to: peer }]);
});

test("nothing is announced of a payload that is no send's, or while no account is linked", async () => {
  const { channelId, announcements, published } = await opened();
  await announcements.announceUnsent({
    ...commandDocument(channelId, { payload: { to: 1 } }),
    messageId: "3EB0A",
  });
  const unlinked = await opened(channelId, 2, "");
  await unlinked.announcements.announce(sentText("3EB0B", peer, "Hello")[0]);
  expect(await published()).toEqual([]);
});

test("a key's name is read once a minute, whoever asks; a command without a known key has none", async () => {
  let reads = 0;
  const apiKeys = new Proxy(file.all.apiKeys, {
    get(target, name) {
      if (name === "findOne") reads++;
      return Reflect.get(target, name).bind(target);
    },
  });
  const names = keyNames(apiKeys);
  const keyId = randomUUID();
  await file.all.apiKeys.insertOne(keyDocument(newApiKey(), { _id: keyId, name: "shop" }));
  expect(await Promise.all([names.of(keyId), names.of(keyId)])).toEqual(["shop", "shop"]);
  expect(await names.of(keyId)).toBe("shop");
  expect(reads).toBe(1);
  expect(await Promise.all([undefined, { $ne: 1 }, "nobody"].map(names.of))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
