import { setTimeout as delay } from "node:timers/promises";
import { MongoNetworkError } from "mongodb";
import { describe, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections, killedAfter, killedInside } from "../faulty-collections.fixture.ts";
import type { Answers } from "./fake-socket.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const silent: Answers = { ack: async () => null };

/** A channel with sends that were relayed and not acknowledged. */
async function withUnknownSends(count = 1) {
  const fixture = await senderOn(file.all, silent);
  const commands = (await fixture.insert(count)) as [CommandDocument, ...CommandDocument[]];
  fixture.sender.ring();
  for (const command of commands) expect(await fixture.settled(command)).toMatchObject({ state: "unknown" });
  return { ...fixture, commands, ids: commands.map(({ messageId }) => messageId) };
}

type UnknownSends = Awaited<ReturnType<typeof withUnknownSends>>;

/** Relays one more send to its end; whatever was to be relayed before it has been by then. Resolves to its message id. */
async function sendOneMore({ insert, sender, settled }: Pick<UnknownSends, "insert" | "sender" | "settled">) {
  const [command] = (await insert(1)) as [CommandDocument];
  sender.ring();
  expect(await settled(command)).toMatchObject({ state: "succeeded" });
  return command.messageId;
}

describe("an `unknown` send", () => {
  test("is relayed once more over the next socket, unchanged, in order and before any new send", async () => {
    const fixture = await withUnknownSends(3);
    fixture.now.sending = { kind: "closed" };
    const waiting = await fixture.insert(2);
    const next = fixture.reopen();
    for (const command of [...fixture.commands, ...waiting]) {
      await eventually(async () => (await fixture.read(command)).state === "succeeded");
    }
    expect(next.relayed).toEqual([...fixture.ids, ...waiting.map(({ messageId }) => messageId)]);
    expect(next.messages.slice(0, 3)).toEqual(fixture.socket.messages);
    const [first] = fixture.commands;
    expect(await fixture.read(first)).toMatchObject({
      result: { messageId: first.messageId, to: "15550100001@s.whatsapp.net", type: "text", status: "sent" },
      resentAt: expect.any(Date),
    });
    await fixture.expectPublished(first, "unknown", "sent");
  });

  test("stays `unknown` when its second copy is refused: the first may have arrived", async () => {
    const fixture = await withUnknownSends();
    const next = fixture.reopen({ ack: async () => (next.relayed.length === 1 ? 479 : "sent") });
    await eventually(() => next.relayed.length === 1);
    const later = await sendOneMore(fixture);
    expect(next.relayed).toEqual([...fixture.ids, later]);
    await fixture.sender.stop();
    expect(await fixture.read(fixture.commands[0])).toMatchObject({ state: "unknown" });
    await fixture.expectPublished(fixture.commands[0], "unknown");
  });

  test("is not relayed a third time by any owner, and is settled by a receipt", async () => {
    const fixture = await withUnknownSends();
    const second = fixture.reopen(silent);
    await eventually(() => second.relayed.length === 1);
    const third = fixture.reopen();
    const later = await sendOneMore(fixture);
    expect(third.relayed).toEqual([later]);
    const next = await senderOn(file.all, {}, 20_000, { channelId: fixture.channelId, epoch: 2 });
    const last = await sendOneMore(next);
    expect(next.socket.relayed).toEqual([last]);
    expect(await fixture.read(fixture.commands[0])).toMatchObject({ state: "unknown" });
    await next.messageStatuses.update({ messageId: fixture.commands[0].messageId ?? "", status: "read" });
    expect(await fixture.read(fixture.commands[0])).toMatchObject({ state: "succeeded" });
    await fixture.expectPublished(fixture.commands[0], "unknown", "read");
  });

  test("is not relayed again on the same socket", async () => {
    const fixture = await senderOn(file.all, {
      ack: async () => (fixture.socket.relayed.length === 1 ? null : "sent"),
    });
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(command)).toMatchObject({ state: "unknown" });
    const later = await sendOneMore(fixture);
    expect(fixture.socket.relayed).toEqual([command.messageId, later]);
  });

  test("is not relayed again when it is overdue", async () => {
    const fixture = await withUnknownSends();
    const [old] = fixture.commands;
    await file.all.commands.updateOne({ _id: old._id }, { $set: { expiresAt: new Date(0) } });
    const next = fixture.reopen();
    const later = await sendOneMore(fixture);
    expect(next.relayed).toEqual([later]);
    expect(await fixture.read(old)).toMatchObject({ state: "unknown" });
    expect(await fixture.read(old)).not.toHaveProperty("resentAt");
  });

  test("is relayed before new sends even if the log is slow to publish `unknown`", async () => {
    const slow = Promise.withResolvers<void>();
    const fixture = await senderOn(
      hookedCollections(file.all, {
        async before({ collection, args }) {
          if (collection === "events" && JSON.stringify(args).includes('"unknown"')) await slow.promise;
        },
      }),
      silent,
    );
    const commands = await fixture.insert(1);
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 1);
    commands.push(...(await fixture.insert(1)));
    const next = fixture.reopen();
    for (let round = 0; round < 50; round++) await file.database.db.command({ ping: 1 });
    slow.resolve();
    for (const command of commands)
      await eventually(async () => (await fixture.read(command)).state === "succeeded");
    expect(next.relayed).toEqual(commands.map(({ messageId }) => messageId));
  });

  test("is not relayed from another account that was linked meanwhile", async () => {
    const fixture = await withUnknownSends();
    const next = fixture.reopen({ account: "15550100099:3@s.whatsapp.net" });
    const later = await sendOneMore(fixture);
    expect(next.relayed).toEqual([later]);
  });

  test("keeps its second copy when that did not reach the wire", async () => {
    const fixture = await withUnknownSends();
    const second = fixture.reopen({ failures: 1 });
    await eventually(() => second.relayed.length === 1);
    await eventually(async () => !("resentAt" in (await fixture.read(fixture.commands[0]))));
    const third = fixture.reopen();
    await eventually(async () => (await fixture.read(fixture.commands[0])).state === "succeeded");
    expect(third.relayed).toEqual(fixture.ids);
  });

  test("stays `unknown` while its second copy is on its way", async () => {
    const fixture = await withUnknownSends();
    const answer = Promise.withResolvers<"sent">();
    const next = fixture.reopen({ ack: () => answer.promise });
    await eventually(() => next.relayed.length === 1);
    expect(await fixture.read(fixture.commands[0])).toMatchObject({
      state: "unknown",
      resentAt: expect.any(Date),
    });
    answer.resolve("sent");
    await eventually(async () => (await fixture.read(fixture.commands[0])).state === "succeeded");
  });
});

test("an owner deposed during the last write before the wire does not send, and queues the command again", async () => {
  const state = { isDeposed: false };
  const all = hookedCollections(file.all, {
    async after({ collection, args }) {
      if (collection === "commands" && JSON.stringify(args).includes("relayStartedAt"))
        state.isDeposed = true;
    },
  });
  const fixture = await senderOn(all);
  Object.defineProperty(fixture.now, "isOwner", { get: () => !state.isDeposed });
  const [command] = (await fixture.insert(1)) as [CommandDocument];
  fixture.sender.ring();
  await eventually(() => state.isDeposed);
  await fixture.sender.stop();
  expect(fixture.socket.relayed).toEqual([]);
  expect(await fixture.read(command)).toMatchObject({ state: "queued", attempts: 0 });
  expect(await fixture.read(command)).not.toHaveProperty("relayStartedAt");
});

test("an unavailable database fails the session and leaves the send running", async () => {
  const all = hookedCollections(file.all, {
    async before({ collection, args }) {
      // Only the last write before the wire.
      if (collection === "messages" && JSON.stringify(args).includes("setOnInsert"))
        throw new MongoNetworkError("unavailable");
    },
  });
  const fixture = await senderOn(all);
  const [command] = (await fixture.insert(1)) as [CommandDocument];
  fixture.sender.ring();
  await eventually(() => fixture.errors.length > 0);
  expect(fixture.errors).toEqual([expect.any(MongoNetworkError)]);
  expect(fixture.socket.written).toEqual([]);
  expect((await fixture.read(command)).state).toBe("running");
});

test.each([true, false])(
  "rings while a claim is on its way send nothing twice; with documents: %s",
  async (isShown) => {
    const all = hookedCollections(file.all, {
      async before({ collection, args }) {
        if (collection === "commands" && JSON.stringify(args).includes("relayStartedAt")) await delay(400);
      },
    });
    const acknowledged = Promise.withResolvers<"sent">();
    const fixture = await senderOn(all, { ack: () => acknowledged.promise });
    const commands = await fixture.insert(3);
    const stored = await Promise.all(commands.map(fixture.read));
    const rings = stored.map((document) => ({ commandId: document._id, ...(isShown && { document }) }));
    for (let count = 0; count < 30; count++) {
      fixture.sender.ring(count % 2 === 0 ? rings[count % 3] : undefined);
      await delay(40);
    }
    acknowledged.resolve("sent");
    for (const command of commands)
      expect(await fixture.settled(command)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(fixture.socket.written).toEqual(commands.map(({ messageId }) => messageId));
  },
);

describe("a process killed at any write", () => {
  interface Killing {
    send: string;
    answers: Answers;
    fields?: Partial<CommandDocument>;
    /** Whether WhatsApp accepts what reaches it. */
    isAccepted: boolean;
  }
  const killings: Killing[] = [
    { send: "a send that WhatsApp accepts", answers: {}, isAccepted: true },
    { send: "a send that WhatsApp refuses", answers: { ack: async () => 479 }, isAccepted: false },
    { send: "a send that WhatsApp does not acknowledge", answers: silent, isAccepted: true },
    { send: "an overdue send", answers: {}, fields: { expiresAt: new Date(0) }, isAccepted: true },
    { send: "an invalid send", answers: {}, fields: { payload: { to: "nobody" } }, isAccepted: true },
    {
      send: "a send to an unregistered number",
      answers: { unregistered: ["15550100001@s.whatsapp.net"] },
      isAccepted: true,
    },
    { send: "a send that never reaches the wire", answers: { failures: 3 }, isAccepted: true },
  ];
  const writesPerSend = 7;
  /** Four claims, records, events with a fence, settlements and statuses, and what a second look adds. */
  const effectsOfFour = 26;

  test.each(killings)(
    "while it handles $send leaves a true state, and one event for it",
    { timeout: 120_000 },
    async (killing) => {
      const everyWrite = Array.from({ length: writesPerSend + 1 }, (_, writes) => writes);
      await Promise.all(
        everyWrite.flatMap((writes) => [killedAt(writes, killing), killedAt(writes, killing, true)]),
      );
    },
  );

  /** `isShown`: the sender has found its queue empty, and gets the document before it has claimed it. */
  async function killedAt(writes: number, { answers, fields, isAccepted }: Killing, isShown = false) {
    const killed = Promise.withResolvers<void>();
    const dying = await senderOn(killedAfter(file.all, writes + 1, killed.resolve), answers);
    if (isShown) {
      dying.sender.ring();
      await eventually(() => dying.sender.look() !== null);
    }
    const [command] = (await senderOn(file.all, {}, 20_000, { channelId: dying.channelId, epoch: 1 }).then(
      (writer) => writer.insert(1, fields),
    )) as [CommandDocument];
    dying.sender.ring(isShown ? { commandId: command._id, document: await dying.read(command) } : undefined);
    const done = eventually(async () => (await dying.read(command)).doneAt !== undefined);
    await Promise.race([killed.promise, done.catch(() => undefined)]);
    await dying.sender.stop();
    const next = await senderOn(file.all, answers, 20_000, { channelId: dying.channelId, epoch: 2 });
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
    const where = `${state} after ${writes} writes, published ${statuses}, ${copies} copies`;
    expect(new Set(statuses).size, where).toBe(statuses.length);
    expect(statuses.at(-1), where).toBe(publishedAs[state] ?? "nothing");
    if (state === "succeeded") expect(isAccepted && copies > 0, where).toBe(true);
    if (state === "failed" && copies > 0) expect(isAccepted, where).toBe(false);
    if (state === "expired" || state === "failed") expect(settled.error, where).toBeDefined();
  }

  test("or between two effects of a shared write leaves each of four sends in a true state, with one event", {
    timeout: 120_000,
  }, async () => {
    const effects = Array.from({ length: effectsOfFour }, (_, index) => index);
    await Promise.all(effects.map(killedBetween));
  });

  async function killedBetween(effects: number) {
    const killed = Promise.withResolvers<void>();
    // The takeover raises the fence first.
    const dying = await senderOn(killedInside(file.all, effects + 1, killed.resolve));
    const { channelId } = dying;
    const writer = await senderOn(file.all, {}, 20_000, { channelId, epoch: 1 });
    const commands: CommandDocument[] = [];
    for (const to of ["15550100081", "15550100082", "15550100081", "15550100083"])
      commands.push(
        ...(await writer.insert(1, { payload: { to, content: { type: "text", text: "Hello" } } })),
      );
    dying.sender.ring();
    const isDone = async () => (await Promise.all(commands.map(dying.read))).every(({ doneAt }) => doneAt);
    await Promise.race([killed.promise, eventually(isDone).catch(() => undefined)]);
    await dying.sender.stop();
    const next = await senderOn(file.all, {}, 20_000, { channelId, epoch: 2 });
    next.sender.ring();
    for (const command of commands) {
      const { state } = await eventually(async () => {
        const found = await next.read(command);
        return found.state === "succeeded" ? found : null;
      });
      const { messageId } = command;
      const left = [...dying.socket.written, ...next.socket.written].filter((id) => id === messageId);
      const where = `${state} after ${effects} effects, ${left.length} copies`;
      const published = await file.all.events.find({ channelId, "data.messageId": messageId }).toArray();
      const statuses = published.map(({ data }) => data.status);
      expect(new Set(statuses).size, where).toBe(statuses.length);
      expect(
        statuses.filter((status) => status === "sent"),
        where,
      ).toEqual(["sent"]);
      // A second copy goes out only for a send that may have left: its message was recorded.
      expect(left.length, where).toBeGreaterThan(0);
      expect(left.length, where).toBeLessThanOrEqual(statuses.includes("unknown") ? 2 : 1);
    }
    await next.sender.stop();
  }

  const publishedAs: Partial<Record<CommandDocument["state"], string>> = {
    ...{ succeeded: "sent", unknown: "unknown", failed: "failed", expired: "failed", dead: "failed" },
  };
});

describe("a send whose recipient WhatsApp does not answer for", () => {
  const [silentOne, other, third] = ["15550100071", "15550100072", "15550100073"];
  const toChat = (to: string) => ({ payload: { to, content: { type: "text", text: "Hello" } } });

  test("is overtaken by later sends to other chats, while its own chat keeps its order", async () => {
    const answer = Promise.withResolvers<void>();
    const lookup = (jid: string) => (jid.startsWith(silentOne) ? answer.promise : Promise.resolve());
    const fixture = await senderOn(file.all, { lookup });
    const sends: CommandDocument[] = [];
    for (const to of [silentOne, silentOne, other, silentOne, third, other]) {
      sends.push(...(await fixture.insert(1, toChat(to))));
    }
    fixture.sender.ring();
    const idsTo = (...indexes: number[]) => indexes.map((index) => sends[index]?.messageId);
    await eventually(() => fixture.socket.relayed.length === 3);
    expect(fixture.socket.relayed).toEqual(idsTo(2, 4, 5));
    sends.push(...(await fixture.insert(1, toChat(silentOne))), ...(await fixture.insert(1, toChat(other))));
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 4);
    answer.resolve();
    for (const send of sends) expect(await fixture.settled(send)).toMatchObject({ state: "succeeded" });
    expect(fixture.socket.relayed).toEqual(idsTo(2, 4, 5, 7, 0, 1, 3, 6));
  });

  test("fails alone when the answer does not come, and those behind it in its chat do not try as long", async () => {
    const lookup = async (jid: string) => {
      if (jid.startsWith(silentOne)) throw new Error("WhatsApp did not answer");
    };
    const fixture = await senderOn(file.all, { lookup });
    const behind = await fixture.insert(8, toChat(silentOne));
    const [next] = (await fixture.insert(1, toChat(other))) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(next)).toMatchObject({ state: "succeeded" });
    for (const send of behind) {
      expect(await fixture.settled(send)).toMatchObject({ state: "dead", error: { code: "not_sent" } });
    }
    expect(fixture.socket.relayed).toEqual([next.messageId]);
  });

  test("is overtaken on its second way, too, by sends to other chats only", async () => {
    const fixture = await senderOn(file.all, silent);
    const [first] = (await fixture.insert(1, toChat(silentOne))) as [CommandDocument];
    const [second] = (await fixture.insert(1, toChat(other))) as [CommandDocument];
    fixture.sender.ring();
    for (const send of [first, second]) {
      expect(await fixture.settled(send)).toMatchObject({ state: "unknown" });
    }
    fixture.now.sending = { kind: "closed" };
    const [behind] = (await fixture.insert(1, toChat(silentOne))) as [CommandDocument];
    const [passing] = (await fixture.insert(1, toChat(third))) as [CommandDocument];
    const answer = Promise.withResolvers<void>();
    const devices = (jid: string) => (jid.startsWith(silentOne) ? answer.promise : Promise.resolve());
    const next = fixture.reopen({ devices });
    expect(await fixture.settled(passing)).toMatchObject({ state: "succeeded" });
    answer.resolve();
    expect(await fixture.settled(behind)).toMatchObject({ state: "succeeded" });
    expect(next.relayed).toEqual([second, passing, first, behind].map(({ messageId }) => messageId));
    expect(await fixture.read(first)).toMatchObject({ state: "succeeded" });
  });

  test("stays `unknown` when its second way fails, and later sends to its chat go on", async () => {
    const fixture = await senderOn(file.all, silent);
    const [first] = (await fixture.insert(1, toChat(silentOne))) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(first)).toMatchObject({ state: "unknown" });
    let refusals = 0;
    const devices = async () => {
      if (refusals < 3) throw new Error(`WhatsApp did not answer question ${++refusals}`);
    };
    const next = fixture.reopen({ devices });
    await eventually(() => refusals === 3);
    const [later] = (await fixture.insert(1, toChat(silentOne))) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(later)).toMatchObject({ state: "succeeded" });
    expect(next.relayed).toEqual([later.messageId]);
    const last = fixture.reopen();
    await eventually(async () => (await fixture.read(first)).state === "succeeded");
    expect(last.relayed).toEqual([first.messageId]);
  });

  test("goes back to the queue with those behind it when the socket closes, and is sent in order over the next one", async () => {
    const lookup = (jid: string) =>
      jid.startsWith(silentOne) ? new Promise<void>(() => undefined) : Promise.resolve();
    const fixture = await senderOn(file.all, { lookup });
    const waiting = await fixture.insert(3, toChat(silentOne));
    const [passed] = (await fixture.insert(1, toChat(other))) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(passed)).toMatchObject({ state: "succeeded" });
    fixture.now.sending = { kind: "closed" };
    const next = fixture.reopen();
    for (const send of waiting) expect(await fixture.settled(send)).toMatchObject({ state: "succeeded" });
    expect(next.relayed).toEqual(waiting.map(({ messageId }) => messageId));
    expect(fixture.errors).toEqual([]);
  });
});
