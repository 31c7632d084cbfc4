import { randomBytes, randomUUID } from "node:crypto";
import type { Db } from "mongodb";
import { expect, test } from "vitest";
import { openLooks } from "#connector/commands/open-look.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { acquire } from "#connector/ownership/ownership.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { LeftToOthersError, takeOver } from "#connector/session/takeover.ts";
import { collections } from "#shared/database.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { channelDocument, commandDocument } from "#test/support/documents.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { pair } from "../auth/auth.fixture.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { sentText } from "../messages/messages.fixture.ts";

const file = fileDatabase();
const account = "15550100009@s.whatsapp.net";
const masterKey = randomBytes(32);

async function newChannel(): Promise<string> {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  return channel._id;
}

/** Acquires a channel as a connector of its own and takes it over. */
async function own(
  channelId: string,
  {
    key = masterKey,
    isValid = () => true,
    others = false,
    db = file.database.db,
  }: { key?: Buffer; isValid?: () => boolean; others?: boolean; db?: Db } = {},
) {
  const connectorId = randomUUID();
  await file.all.channels.updateOne({ _id: channelId }, { $set: { "owner.connector": null } });
  const channel = await acquire(file.all, channelId, connectorId);
  if (!channel) throw new Error("The channel could not be acquired");
  return takeOver({
    db,
    collections: collections(db),
    channel,
    lease: { id: connectorId, ended: new AbortController().signal, isValid, now: Date.now },
    config: { encryptionKeys: [key], whatsapp: { server: null, version: null } },
    canOthersOpen: async () => others,
    onLost: () => undefined,
    log: quiet,
  });
}

test("a takeover raises the epoch, and the former owner can no longer write", async () => {
  const channelId = await newChannel();
  const former = await own(channelId);
  const owner = await own(channelId);
  expect([former.fence.epoch, owner.fence.epoch]).toEqual([1, 2]);
  await expect(former.events.publish("connection_update", { status: "active" })).rejects.toThrow(FencedError);
  await owner.events.publish("connection_update", { status: "active" });
  expect(await file.all.events.distinct("seq", { channelId })).toEqual([1]);
});

test("a takeover publishes sends that may have left as `unknown`, and queues the others again", async () => {
  const channelId = await newChannel();
  const former = await own(channelId);
  const [begun, waiting] = [
    commandDocument(channelId, { messageId: "3EB0AAAA" }),
    commandDocument(channelId),
  ];
  await file.all.commands.insertMany([begun, waiting]);
  await former.queue.claimBegun(account, 2);
  await former.messageStore.sending(...sentText("3EB0AAAA", account, "Hello"));
  const owner = await own(channelId);
  const published = await file.all.events.find({ channelId, seq: { $exists: true } }).toArray();
  expect(published.map(({ type, data }) => ({ type, ...data }))).toEqual([
    { type: "message_status_update", messageId: "3EB0AAAA", status: "unknown" },
  ]);
  expect((await owner.queue.claim([1], 8)).map(({ _id }) => _id)).toEqual([waiting._id]);
});

test("of a channel that never had an owner nothing is read, and its first write has a fence and a session", async () => {
  await using counted = await countedCommands(file.database);
  const channelId = await newChannel();
  const owner = await own(channelId, { db: counted.db });
  const { auth } = owner;
  if (!auth) throw new Error("A new channel has an auth state");
  await auth.create();
  expect((await auth.journaled()).size).toBe(0);
  pair(auth.state.creds);
  auth.save();
  await owner.events.publish("connection_update", { status: "active" });
  await auth.flush();
  // The fence of the keys; the event; the pairing's transaction.
  expect(counted.names.toSorted()).toEqual([
    "commitTransaction",
    "findAndModify",
    "update",
    "update",
    "update",
  ]);
  const fence = { _id: `${channelId}/fence` };
  const keys = file.database.db.collection<{ _id: string }>("whatsapp_auth_keys");
  expect(await keys.findOne(fence)).toMatchObject({ epoch: 1, session: expect.anything() });
  expect(await file.all.events.findOne(fence)).toMatchObject({ epoch: 1, lastSeq: 1 });
  const next = await own(channelId);
  expect(next.auth?.linked()).toBe(true);
  await expect(owner.events.publish("connection_update", { status: "active" })).rejects.toThrow(FencedError);
});

test("a first owner that did not write before the next one came can write nothing", async () => {
  const channelId = await newChannel();
  const first = await own(channelId);
  const second = await own(channelId);
  await expect(first.events.publish("connection_update", { status: "active" })).rejects.toThrow(FencedError);
  await second.events.publish("connection_update", { status: "active" });
  expect(await file.all.events.distinct("seq", { channelId })).toEqual([1]);
});

test("what a former owner claimed and what it may still claim are found by one look", async () => {
  const ids = await Promise.all(Array.from({ length: 3 }, newChannel));
  const [begun = "", waiting = ""] = ids;
  const former = await own(begun);
  await file.all.commands.insertMany([
    commandDocument(begun, { messageId: "3EB0CCCC" }),
    commandDocument(waiting),
  ]);
  await former.queue.claimBegun(account, 1);
  await using counted = await countedCommands(file.database);
  const { commands } = collections(counted.db);
  const looks = await Promise.all(ids.map((id) => openLooks(commands).submit(id)));
  expect(looks).toEqual([
    { hasQueued: false, hasBegun: true, isDeleted: false },
    { hasQueued: true, hasBegun: false, isDeleted: false },
    { hasQueued: false, hasBegun: false, isDeleted: false },
  ]);
  expect(counted.names).toEqual(["aggregate"]);
});

test("a failed takeover releases the database session", async () => {
  const channelId = await newChannel();
  const former = await own(channelId);
  const begun = commandDocument(channelId, { messageId: "3EB0BBBB" });
  await file.all.commands.insertOne(begun);
  await former.queue.claimBegun(account, 1);
  await former.messageStore.sending(...sentText("3EB0BBBB", account, "Hello"));
  await expect(own(channelId, { isValid: () => false })).rejects.toThrow(FencedError);
  const keys = file.database.db.collection<{ _id: string }>("whatsapp_auth_keys");
  const row = await keys.findOne({ _id: `${channelId}/fence` });
  expect(row).toMatchObject({ epoch: 2 });
  expect(row).not.toHaveProperty("session");
});

test("an owner past its deadline writes nothing, even before another owner or a signal stops it", async () => {
  const channelId = await newChannel();
  let isValid = true;
  const owner = await own(channelId, { isValid: () => isValid });
  const { auth } = owner;
  if (!auth) throw new Error("A new channel has an auth state");
  await auth.create();
  pair(auth.state.creds);
  auth.save();
  await auth.flush();
  const rows = async () => {
    const rowsIn = (name: string) =>
      file.database.db.collection(name).find({ channelId }).sort({ _id: 1 }).toArray();
    const names = ["channels", "events", "whatsapp_auth_keys", "whatsapp_auth_creds"];
    return Promise.all(names.map(rowsIn));
  };
  const before = await rows();
  isValid = false;
  await expect(owner.events.publish("connection_update", { status: "active" })).rejects.toThrow(FencedError);
  await expect(createChannelStore(file.all, owner.fence).setWish("connected")).rejects.toThrow(FencedError);
  auth.state.creds.nextPreKeyId += 1;
  auth.save();
  await expect(auth.flush()).rejects.toThrow(FencedError);
  await expect(
    Promise.resolve(
      auth.state.keys.set({ "pre-key": { "1": { private: randomBytes(32), public: randomBytes(32) } } }),
    ),
  ).rejects.toThrow(FencedError);
  expect(await rows()).toEqual(before);
});

test("unreadable credentials are neither used nor replaced, and left to a connector that may read them", async () => {
  const channelId = await newChannel();
  const { auth } = await own(channelId);
  if (!auth) throw new Error("A new channel has an auth state");
  await auth.create();
  pair(auth.state.creds);
  auth.save();
  await auth.close();
  const stored = () =>
    file.database.db.collection("whatsapp_auth_creds").findOne({ channelId }, { projection: { creds: 1 } });
  const before = await stored();
  expect((await own(channelId, { key: randomBytes(32) })).auth).toBeNull();
  expect(await stored()).toEqual(before);
  await expect(own(channelId, { key: randomBytes(32), others: true })).rejects.toThrow(LeftToOthersError);
  expect(await stored()).toEqual(before);
  expect((await own(channelId)).auth?.linked()).toBe(true);
});
