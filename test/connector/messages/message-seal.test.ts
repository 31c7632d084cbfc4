import { randomBytes } from "node:crypto";
import { Binary } from "mongodb";
import { expect, test } from "vitest";
import { masterKeyId } from "#connector/auth/envelope.ts";
import { proto } from "#connector/baileys/baileys.ts";
import { rotateMessageKeys } from "#connector/messages/message-key-rotation.ts";
import { createMessageSeal } from "#connector/messages/message-seal.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const [old, fresh, other] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const plain = proto.Message.encode({ conversation: "Hello €" }).finish();

async function newChannel(): Promise<string> {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  return channel._id;
}

/** The seal of a channel as its owner opens it, whose keys go into its document. */
async function sealOf(channelId: string, masterKeys: Buffer[], isSharedKey?: (id: string) => boolean) {
  const channel = await file.all.channels.findOne({ _id: channelId });
  if (!channel) throw new Error("No channel");
  const save = async (messageKeys: NonNullable<typeof channel.messageKeys>) =>
    void (await file.all.channels.updateOne({ _id: channelId }, { $set: { messageKeys } }));
  return createMessageSeal({ channel, masterKeys, isSharedKey, save });
}
const keysOf = async (channelId: string) =>
  (await file.all.channels.findOne({ _id: channelId }))?.messageKeys ?? [];

test("what one owner seals the next one opens, and only for its own row", async () => {
  const channelId = await newChannel();
  const sealed = await (await sealOf(channelId, [old])).seal("row", plain);
  expect(Buffer.from(sealed.buffer).includes("Hello")).toBe(false);
  const next = await sealOf(channelId, [fresh, old]);
  expect(Buffer.from(next.open("row", sealed))).toEqual(Buffer.from(plain));
  expect(() => next.open("another", sealed)).toThrow("cannot be decrypted");
  await next.seal("row", plain);
  expect(await keysOf(channelId)).toHaveLength(1);
});

test("nothing is sealed by a key that is not stored", async () => {
  const failing = createMessageSeal({
    channel: { _id: "channel" },
    masterKeys: [old],
    save: () => Promise.reject(new Error("database")),
  });
  await expect(failing.seal("row", plain)).rejects.toThrow("database");
});

test("a key that no master key opens is kept beside the new one, for when its master key comes back", async () => {
  const channelId = await newChannel();
  const first = await (await sealOf(channelId, [old])).seal("row", plain);
  const without = await sealOf(channelId, [other]);
  expect(() => without.open("row", first)).toThrow("cannot be decrypted");
  const second = await without.seal("row", plain);
  const both = await sealOf(channelId, [other, old]);
  for (const sealed of [first, second])
    expect(Buffer.from(both.open("row", sealed))).toEqual(Buffer.from(plain));
});

test("what a former version stored as it is, is read as it is", async () => {
  const seal = await sealOf(await newChannel(), [old]);
  expect(Buffer.from(seal.open("row", new Binary(plain)))).toEqual(Buffer.from(plain));
});

test("a new key is wrapped by one that every living connector has", async () => {
  const channelId = await newChannel();
  await (await sealOf(channelId, [fresh, old], (id) => id === masterKeyId(old))).seal("row", plain);
  expect((await keysOf(channelId))[0]?.masterKeyId).toBe(masterKeyId(old));
});

test("after a rotation the newest master key alone opens what was sealed", async () => {
  const channelId = await newChannel();
  const sealed = await (await sealOf(channelId, [old])).seal("row", plain);
  const lost = await newChannel();
  await (await sealOf(lost, [other])).seal("row", plain);
  const rotation = await rotateMessageKeys(file.database.db, [fresh, old]);
  expect(rotation.unreadable).toContain(lost);
  const after = await sealOf(channelId, [fresh]);
  expect(Buffer.from(after.open("row", sealed))).toEqual(Buffer.from(plain));
  expect((await keysOf(lost))[0]?.masterKeyId).toBe(masterKeyId(other));
});
