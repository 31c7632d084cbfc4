import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  acquire,
  acquireNew,
  channelsWithoutOwner,
  handOver,
  release,
  restingChannels,
} from "#connector/ownership/ownership.ts";
import type { ChannelDocument, ConnectorDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { channelDocument, commandDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

async function connector(state: ConnectorDocument["state"] = "alive"): Promise<string> {
  const _id = randomUUID();
  const now = new Date();
  await file.all.connectors.insertOne({
    _id,
    name: _id,
    state,
    aliveUntil: now,
    capacity: 1,
    startedAt: now,
  });
  return _id;
}

async function channel(fields: Partial<ChannelDocument> = {}): Promise<string> {
  const document = channelDocument(fields);
  await file.all.channels.insertOne(document);
  return document._id;
}

const ownerOf = async (channelId: string) => (await file.all.channels.findOne({ _id: channelId }))?.owner;

describe("acquiring", () => {
  test("exactly one of several racing connectors acquires a channel", async () => {
    const me = await Promise.all([1, 2, 3, 4].map(() => connector()));
    for (let round = 0; round < 20; round++) {
      const channelId = await channel();
      const got = await Promise.all(me.map((id) => acquire(file.all, channelId, id)));
      const winners = got.filter((one) => one !== null);
      expect(winners).toHaveLength(1);
      expect(winners[0]?.owner).toEqual(await ownerOf(channelId));
      expect(winners[0]?.owner.epoch).toBe(1);
    }
  });

  test("who acquires a channel no longer counts as one that cannot open it", async () => {
    const [me, other] = [await connector(), await connector()];
    const channelId = await channel({ owner: { connector: null, epoch: 2, unopenedBy: [other, me] } });
    await acquire(file.all, channelId, me);
    expect(await ownerOf(channelId)).toEqual({ connector: me, epoch: 3, unopenedBy: [other] });
  });

  test("racing acquisitions by one connector each get an epoch of their own", async () => {
    const me = await connector();
    for (let round = 0; round < 10; round++) {
      const channelId = await channel({ owner: { connector: me, epoch: 5 } });
      const got = await Promise.all([1, 2, 3].map(() => acquire(file.all, channelId, me)));
      const epochs = got.flatMap((one) => (one ? [one.owner.epoch] : []));
      expect(new Set(epochs).size).toBe(epochs.length);
      expect(await ownerOf(channelId)).toEqual({ connector: me, epoch: Math.max(...epochs) });
    }
  });

  test("channels that are acquired at once share their commands, and one that was lost is lost alone", async () => {
    const [me, other] = [await connector(), await connector()];
    const ids = await Promise.all(Array.from({ length: 12 }, () => channel()));
    const [lost = ""] = ids;
    await using counted = await countedCommands(file.database);
    const all = collections(counted.db);
    const got = await Promise.all(
      ids.map((id) =>
        acquire(all, id, me, async () => {
          if (id === lost) await acquire(file.all, id, other);
          return true;
        }),
      ),
    );
    expect(got.map((one) => one?._id ?? null)).toEqual([null, ...ids.slice(1)]);
    expect(got.slice(1).map((one) => one?.owner)).toEqual(
      ids.slice(1).map(() => ({ connector: me, epoch: 1 })),
    );
    expect(await ownerOf(lost)).toEqual({ connector: other, epoch: 1 });
    expect(counted.names.length).toBeLessThanOrEqual(5);
  });

  test("a channel that is ours already makes no acquisition of others uncertain that looked before", async () => {
    const me = await connector();
    const { all } = file;
    const known = await Promise.all(Array.from({ length: 5 }, () => channel()));
    // As after an acquisition whose answer was lost.
    const ours = await channel({ owner: { connector: me, epoch: 1 } });
    let asked = 0;
    const allAsked = Promise.withResolvers<boolean>();
    const looked = known.map((id) =>
      acquire(all, id, me, () => {
        if (++asked === known.length) allAsked.resolve(true);
        return allAsked.promise;
      }),
    );
    await allAsked.promise;
    const guessed = acquireNew(all, ours, me);
    expect((await Promise.all(looked)).map((one) => one?._id)).toEqual(known);
    expect(await guessed).toBeNull();
  });

  test("the epoch rises with every acquisition, even by the same connector, and never falls", async () => {
    const [one, two] = [await connector(), await connector()];
    const channelId = await channel();
    const epochs: number[] = [];
    for (const id of [one, one, two, one]) {
      const got = await acquire(file.all, channelId, id);
      epochs.push(got?.owner.epoch ?? Number.NaN);
      await release(file.all, { channelId, epoch: got?.owner.epoch ?? 0 }, id);
    }
    expect(epochs).toEqual([1, 2, 3, 4]);
    expect(await ownerOf(channelId)).toEqual({ connector: null, epoch: 4 });
  });

  test.each<{ holder: ConnectorDocument["state"] | "gone"; isFree: boolean }>([
    { holder: "alive", isFree: false },
    { holder: "draining", isFree: false },
    { holder: "dead", isFree: true },
    { holder: "gone", isFree: true },
  ])("a channel whose owner is $holder can be acquired: $isFree", async ({ holder, isFree }) => {
    const holderId = holder === "gone" ? randomUUID() : await connector(holder);
    const channelId = await channel({ owner: { connector: holderId, epoch: 3 } });
    const got = await acquire(file.all, channelId, await connector());
    expect(got !== null).toBe(isFree);
    expect(await ownerOf(channelId)).toMatchObject({ epoch: isFree ? 4 : 3 });
  });

  test("a channel that does not exist cannot be acquired", async () => {
    expect(await acquire(file.all, randomUUID(), await connector())).toBeNull();
  });
});

describe("releasing", () => {
  test("only the current owner releases a channel, and only under its current epoch", async () => {
    const [me, other] = [await connector(), await connector()];
    const channelId = await channel({ owner: { connector: me, epoch: 3 } });
    await release(file.all, { channelId, epoch: 3 }, other);
    expect(await ownerOf(channelId)).toEqual({ connector: me, epoch: 3 });
    await acquire(file.all, channelId, me);
    await release(file.all, { channelId, epoch: 3 }, me);
    expect(await ownerOf(channelId)).toEqual({ connector: me, epoch: 4 });
    await release(file.all, { channelId, epoch: 4 }, me);
    expect(await ownerOf(channelId)).toEqual({ connector: null, epoch: 4 });
  });
});

test("a channel that was handed over rests with its next owner; a released one does not", async () => {
  const [me, other] = [await connector(), await connector()];
  const [moved, given] = [await channel(), await channel()];
  for (const [channelId, giveBack] of [
    [moved, handOver],
    [given, release],
  ] as const) {
    await acquire(file.all, channelId, me);
    await giveBack(file.all, { channelId, epoch: 1 }, me);
    expect(await ownerOf(channelId)).toMatchObject({ connector: null, epoch: 1 });
    await acquire(file.all, channelId, other);
  }
  expect(await restingChannels(file.all, other, 60_000)).toEqual([moved]);
  expect(await restingChannels(file.all, me, 60_000)).toEqual([]);
  expect(await restingChannels(file.all, other, -60_000)).toEqual([]);
});

describe("channels that need an owner", () => {
  const wanted = { wanted: "connected" } as const;

  async function found(me: string, limit = 1_000) {
    const free = await channelsWithoutOwner(file.all, me, limit);
    return new Set(free.map(({ channelId }) => channelId));
  }

  test("a channel needs an owner if it is wanted, to be unlinked or deleted, or has open commands", async () => {
    const me = await connector();
    const needed = [await channel(wanted), await channel({ deletedAt: new Date() }), await channel()];
    const [, , withCommand = ""] = needed;
    await file.all.commands.insertOne(commandDocument(withCommand));
    const running = await channel();
    await file.all.commands.insertOne(commandDocument(running, { state: "running" }));
    const settled = await channel();
    await file.all.commands.insertOne(commandDocument(settled, { state: "succeeded" }));
    const unlinking = await channel({ unlink: { cause: "wrong_number", since: new Date() } });
    const unlinked = await channel({ unlink: null });
    const all = await found(me);
    expect([...needed, running, unlinking].filter((id) => !all.has(id))).toEqual([]);
    expect([settled, unlinked, await channel()].filter((id) => all.has(id))).toEqual([]);
  });

  test("channels of ours and of dead connectors are found, those of living and draining ones are not", async () => {
    const me = await connector();
    const ownedBy = async (id: string | null) => channel({ ...wanted, owner: { connector: id, epoch: 1 } });
    const free = [
      await ownedBy(null),
      await ownedBy(me),
      await ownedBy(await connector("dead")),
      await ownedBy(randomUUID()),
    ];
    const taken = [await ownedBy(await connector("alive")), await ownedBy(await connector("draining"))];
    const all = await found(me);
    expect(free.filter((id) => !all.has(id))).toEqual([]);
    expect(taken.filter((id) => all.has(id))).toEqual([]);
  });

  test("only the channels asked about are found", async () => {
    const me = await connector();
    const [asked, idle, other] = [await channel(wanted), await channel(), await channel(wanted)];
    const found = await channelsWithoutOwner(file.all, me, 10, { among: [asked, idle] });
    expect(found).toEqual([{ channelId: asked, isOurs: false }]);
    await acquire(file.all, other, me);
    expect(await channelsWithoutOwner(file.all, me, 10, { among: [other] })).toEqual([
      { channelId: other, isOurs: true },
    ]);
  });

  test("no more channels are found than asked for", async () => {
    await Promise.all([channel(wanted), channel(wanted), channel(wanted)]);
    expect((await found(await connector(), 2)).size).toBe(2);
  });
});
