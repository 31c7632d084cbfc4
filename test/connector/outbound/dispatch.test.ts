import { MongoNetworkError } from "mongodb";
import { describe, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections, killedAfter } from "../faulty-collections.fixture.ts";
import type { Answers } from "./fake-socket.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const silent: Answers = { ack: async () => null };

/** A channel with sends that left and got no answer. */
async function withUnknown(count = 1) {
  const here = await senderOn(file.all, silent, 30);
  const commands = (await here.insert(count)) as [CommandDocument, ...CommandDocument[]];
  here.sender.ring();
  for (const command of commands) expect(await here.settled(command)).toMatchObject({ state: "unknown" });
  return { ...here, commands, ids: commands.map(({ messageId }) => messageId) };
}

type Here = Awaited<ReturnType<typeof withUnknown>>;

/** Sends something that succeeds, so that what would go out before it has gone out. */
async function passes({ insert, sender, settled }: Pick<Here, "insert" | "sender" | "settled">) {
  const [command] = (await insert(1)) as [CommandDocument];
  sender.ring();
  expect(await settled(command)).toMatchObject({ state: "succeeded" });
  return command.messageId;
}

describe("a send that is unknown", () => {
  test("goes out once more over the next socket, as it was, in order and before anything new", async () => {
    const here = await withUnknown(3);
    here.now.sending = { kind: "closed" };
    const waiting = await here.insert(2);
    const next = here.reopen();
    for (const command of [...here.commands, ...waiting]) {
      await eventually(async () => (await here.read(command)).state === "succeeded");
    }
    expect(next.relayed).toEqual([...here.ids, ...waiting.map(({ messageId }) => messageId)]);
    expect(next.messages.slice(0, 3)).toEqual(here.socket.messages);
    const [first] = here.commands;
    expect(await here.read(first)).toMatchObject({
      result: { messageId: first.messageId, to: "15550100001@s.whatsapp.net", type: "text", status: "sent" },
      resentAt: expect.any(Date),
    });
    await here.hears(first, "unknown", "sent");
  });

  test("stays unknown when it is refused the second time: the first copy may have arrived", async () => {
    const here = await withUnknown();
    const next = here.reopen({ ack: async () => (next.relayed.length === 1 ? 479 : "sent") });
    await eventually(() => next.relayed.length === 1);
    const later = await passes(here);
    expect(next.relayed).toEqual([...here.ids, later]);
    await here.sender.stop();
    expect(await here.read(here.commands[0])).toMatchObject({ state: "unknown" });
    await here.hears(here.commands[0], "unknown");
  });

  test("is not sent a third time, by whichever owner; a receipt settles it", async () => {
    const here = await withUnknown();
    const second = here.reopen(silent);
    await eventually(() => second.relayed.length === 1);
    const third = here.reopen();
    const later = await passes(here);
    expect(third.relayed).toEqual([later]);
    const next = await senderOn(file.all, {}, 20_000, { channelId: here.channelId, epoch: 2 });
    const last = await passes(next);
    expect(next.socket.relayed).toEqual([last]);
    expect(await here.read(here.commands[0])).toMatchObject({ state: "unknown" });
    await next.messageStatuses.update({ messageId: here.commands[0].messageId ?? "", status: "read" });
    expect(await here.read(here.commands[0])).toMatchObject({ state: "succeeded" });
    await here.hears(here.commands[0], "unknown", "read");
  });

  test("is not repeated on the socket that it went out on", async () => {
    const here = await senderOn(
      file.all,
      { ack: async () => (here.socket.relayed.length === 1 ? null : "sent") },
      30,
    );
    const [command] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(command)).toMatchObject({ state: "unknown" });
    const later = await passes(here);
    expect(here.socket.relayed).toEqual([command.messageId, later]);
  });

  test("is not repeated when it is too old", async () => {
    const here = await withUnknown();
    const [old] = here.commands;
    await file.all.commands.updateOne({ _id: old._id }, { $set: { expiresAt: new Date(0) } });
    const next = here.reopen();
    const later = await passes(here);
    expect(next.relayed).toEqual([later]);
    expect(await here.read(old)).toMatchObject({ state: "unknown" });
    expect(await here.read(old)).not.toHaveProperty("resentAt");
  });

  test("is waited for, when the log is slow to take what became of it", async () => {
    const slow = Promise.withResolvers<void>();
    const here = await senderOn(
      hookedCollections(file.all, {
        async before({ collection, args }) {
          if (collection === "events" && JSON.stringify(args).includes('"unknown"')) await slow.promise;
        },
      }),
      silent,
    );
    const commands = await here.insert(1);
    here.sender.ring();
    await eventually(() => here.socket.relayed.length === 1);
    commands.push(...(await here.insert(1)));
    const next = here.reopen();
    for (let look = 0; look < 50; look++) await file.database.db.command({ ping: 1 });
    slow.resolve();
    for (const command of commands)
      await eventually(async () => (await here.read(command)).state === "succeeded");
    expect(next.relayed).toEqual(commands.map(({ messageId }) => messageId));
  });

  test("goes out from no other account, when the channel was linked to one meanwhile", async () => {
    const here = await withUnknown();
    const next = here.reopen({ account: "15550100099:3@s.whatsapp.net" });
    const later = await passes(here);
    expect(next.relayed).toEqual([later]);
  });

  test("keeps its second time when that did not come as far as the wire", async () => {
    const here = await withUnknown();
    const second = here.reopen({ failures: 1 });
    await eventually(() => second.relayed.length === 1);
    await eventually(async () => !("resentAt" in (await here.read(here.commands[0]))));
    const third = here.reopen();
    await eventually(async () => (await here.read(here.commands[0])).state === "succeeded");
    expect(third.relayed).toEqual(here.ids);
  });

  test("is unknown to everybody while it is on its way again", async () => {
    const here = await withUnknown();
    const answer = Promise.withResolvers<"sent">();
    const next = here.reopen({ ack: () => answer.promise });
    await eventually(() => next.relayed.length === 1);
    expect(await here.read(here.commands[0])).toMatchObject({ state: "unknown", resentAt: expect.any(Date) });
    answer.resolve("sent");
    await eventually(async () => (await here.read(here.commands[0])).state === "succeeded");
  });
});

test("who is deposed while the last write before the wire is under way does not send, and puts it back", async () => {
  const tap = { isDeposed: false };
  const all = hookedCollections(file.all, {
    async after({ collection, args }) {
      if (collection === "commands" && JSON.stringify(args).includes("relayStartedAt")) tap.isDeposed = true;
    },
  });
  const here = await senderOn(all);
  Object.defineProperty(here.now, "isOwner", { get: () => !tap.isDeposed });
  const [command] = (await here.insert(1)) as [CommandDocument];
  here.sender.ring();
  await eventually(() => tap.isDeposed);
  await here.sender.stop();
  expect(here.socket.relayed).toEqual([]);
  expect(await here.read(command)).toMatchObject({ state: "queued", attempts: 0 });
  expect(await here.read(command)).not.toHaveProperty("relayStartedAt");
});

test("a database that is away is no fault of the send: it is not given up, and the session ends", async () => {
  const all = hookedCollections(file.all, {
    async before({ collection, args }) {
      // Only the last write before the wire.
      if (collection === "messages" && JSON.stringify(args).includes("setOnInsert"))
        throw new MongoNetworkError("away");
    },
  });
  const here = await senderOn(all);
  const [command] = (await here.insert(1)) as [CommandDocument];
  here.sender.ring();
  await eventually(() => here.errors.length > 0);
  expect(here.errors).toEqual([expect.any(MongoNetworkError)]);
  expect(here.socket.relayed).toEqual([]);
  expect((await here.read(command)).state).toBe("running");
});

describe("a process that is killed at any write", () => {
  interface Killing {
    what: string;
    answers: Answers;
    fields?: Partial<CommandDocument>;
    /** Whether WhatsApp takes what reaches it. */
    isTaken: boolean;
  }
  const killings: Killing[] = [
    { what: "of a send that WhatsApp takes", answers: {}, isTaken: true },
    { what: "of one that WhatsApp refuses", answers: { ack: async () => 479 }, isTaken: false },
    { what: "of one that WhatsApp does not answer", answers: silent, isTaken: true },
    { what: "of one that is too old", answers: {}, fields: { expiresAt: new Date(0) }, isTaken: true },
    { what: "of one that is not valid", answers: {}, fields: { payload: { to: "nobody" } }, isTaken: true },
    { what: "of one to a stranger", answers: { strangers: ["15550100001@s.whatsapp.net"] }, isTaken: true },
    { what: "of one that never reaches the wire", answers: { failures: 3 }, isTaken: true },
  ];
  const writesOfOne = 7;

  test.each(killings)(
    "$what leaves a state that is true, and one event for it",
    { timeout: 60_000 },
    async (killing) => {
      await Promise.all(Array.from({ length: writesOfOne + 1 }, (_, writes) => killedAt(writes, killing)));
    },
  );

  async function killedAt(writes: number, { answers, fields, isTaken }: Killing) {
    const killed = Promise.withResolvers<void>();
    const dying = await senderOn(killedAfter(file.all, writes + 1, killed.resolve), answers, 30);
    const [command] = (await senderOn(file.all, {}, 30, { channelId: dying.channelId, epoch: 1 }).then(
      (writer) => writer.insert(1, fields),
    )) as [CommandDocument];
    dying.sender.ring();
    const done = eventually(async () => (await dying.read(command)).doneAt !== undefined);
    await Promise.race([killed.promise, done.catch(() => undefined)]);
    await dying.sender.stop();
    const next = await senderOn(file.all, answers, 30, { channelId: dying.channelId, epoch: 2 });
    next.sender.ring();
    const settled = await next.settled(command);
    await next.sender.stop();
    const { state } = await next.read(command);
    const copies = [...dying.socket.relayed, ...next.socket.relayed].length;
    const events = await file.all.events
      .find({ channelId: dying.channelId, seq: { $exists: true } })
      .sort({ seq: 1 })
      .toArray();
    const statuses = events.map(({ data }) => data.status);
    const where = `${state} after ${writes} writes, told ${statuses}, ${copies} copies`;
    expect(new Set(statuses).size, where).toBe(statuses.length);
    expect(statuses.at(-1), where).toBe(toldAs[state] ?? "nothing");
    if (state === "succeeded") expect(isTaken && copies > 0, where).toBe(true);
    if (state === "failed" && copies > 0) expect(isTaken, where).toBe(false);
    if (state === "expired" || state === "failed") expect(settled.error, where).toBeDefined();
  }

  const toldAs: Partial<Record<CommandDocument["state"], string>> = {
    ...{ succeeded: "sent", unknown: "unknown", failed: "failed", expired: "failed", dead: "failed" },
  };
});
