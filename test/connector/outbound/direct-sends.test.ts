import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import type { Look } from "#shared/local-connector.ts";
import { channelDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections, killedInside } from "../faulty-collections.fixture.ts";
import type { Answers } from "./fake-socket.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const unregistered = "15550100666@s.whatsapp.net";
const idsOf = (commands: CommandDocument[]) => commands.map(({ messageId }) => messageId);

/** A sender that takes direct sends: it has found its queue empty. `held` inserts one once `released` has resolved. */
async function idleSender(answers: Answers = {}) {
  const holds = new Map<string, Promise<unknown>>();
  const hooked = hookedCollections(file.all, {
    async before({ collection, args: [inserted] }) {
      if (collection !== "commands") return;
      await Promise.all([inserted].flat().map((one) => holds.get((one as { _id?: string })._id ?? "")));
    },
  });
  const fixture = await senderOn(hooked, answers);
  const direct = (command: CommandDocument, mayExist = false) =>
    fixture.sender.insertClaimed(command, { mayExist });
  const held = (command: CommandDocument, released: Promise<unknown>, mayExist = false) => {
    holds.set(command._id, released);
    return direct(command, mayExist);
  };
  fixture.sender.ring();
  const first = fixture.newSend();
  await eventually(() => direct(first) !== null);
  await fixture.settled(first);
  fixture.socket.relayed.length = 0;
  fixture.socket.written.length = 0;
  return { ...fixture, direct, held };
}

test("direct sends are stored as claimed, and go out in order under their ids", async () => {
  const fixture = await idleSender({});
  const commands = Array.from({ length: 10 }, () => fixture.newSend());
  const stored = commands.map((command) => fixture.direct(command));
  expect(stored).not.toContain(null);
  await Promise.all(stored);
  for (const command of commands) {
    const { state, attempts, claim, relayedBy, doneAt } = await fixture.settled(command);
    expect([state, attempts, claim?.epoch, claim?.connector]).toEqual(["succeeded", 1, 1, "me"]);
    expect([relayedBy, doneAt]).toEqual(["15550100009@s.whatsapp.net", expect.any(Date)]);
    await fixture.expectPublished(command, "sent");
  }
  expect(fixture.socket.relayed).toEqual(idsOf(commands));
});

test("a direct send is encrypted while it is stored, and leaves only when it is durable", async () => {
  const fixture = await idleSender();
  const released = Promise.withResolvers<void>();
  const command = fixture.newSend();
  const stored = fixture.held(command, released.promise);
  await eventually(() => fixture.socket.relayed.length === 1);
  // The record of the message is durable long before.
  await eventually(() => file.all.messages.findOne({ messageId: command.messageId ?? "" }));
  expect(fixture.socket.written).toEqual([]);
  released.resolve();
  await stored;
  expect(await fixture.settled(command)).toMatchObject({ state: "succeeded" });
  expect(fixture.socket.written).toEqual(idsOf([command]));
});

test("a direct send that cannot go out is settled only when it is durable", async () => {
  const fixture = await idleSender({ unregistered: [unregistered] });
  const released = Promise.withResolvers<void>();
  const refused = fixture.newSend({
    payload: { to: unregistered, content: { type: "text", text: "Hello" } },
  });
  void fixture.held(refused, released.promise);
  const other = fixture.newSend();
  // The insertion of the first one is under way: they do not share it.
  await setImmediate();
  await setImmediate();
  await fixture.direct(other);
  expect(await fixture.settled(other)).toMatchObject({ state: "succeeded" });
  await fixture.expectPublished(refused);
  released.resolve();
  expect(await fixture.settled(refused)).toMatchObject({
    state: "failed",
    error: { code: "recipient_not_on_whatsapp" },
  });
});

test("a send that was queued before direct ones goes out first, and they pause until a look finds none", async () => {
  const fixture = await idleSender();
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const [queued] = (await fixture.insert(1)) as [CommandDocument];
  const direct = [fixture.newSend(), fixture.newSend()];
  expect(direct.map((command) => fixture.direct(command))).not.toContain(null);
  await Promise.all([queued, ...direct].map(fixture.settled));
  expect(fixture.socket.written).toEqual(idsOf([queued, ...direct]));
  expect((await fixture.read(direct[0] as CommandDocument)).attempts).toBe(1);
  const mayComeDirectly = () => fixture.direct(fixture.newSend()) !== null;
  expect([mayComeDirectly(), fixture.sender.look()]).toEqual([false, null]);
  vi.advanceTimersByTime(1_000);
  const look = fixture.sender.look();
  expect([mayComeDirectly(), fixture.sender.look()]).toEqual([false, null]);
  await look?.open;
  expect(mayComeDirectly()).toBe(true);
});

test("beside a send that is due tomorrow, only the first direct send is encrypted in vain", async () => {
  const fixture = await idleSender();
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const tomorrow = new Date(Date.now() + 86_400_000);
  await fixture.insert(1, { notBefore: tomorrow, expiresAt: new Date(tomorrow.getTime() + 86_400_000) });
  const first = fixture.newSend();
  await fixture.direct(first);
  await fixture.settled(first);
  for (let second = 0; second < 3; second++) {
    vi.advanceTimersByTime(1_000);
    const look = fixture.sender.look();
    expect(await look?.open).toMatchObject({ hasQueued: true });
    expect(fixture.direct(fixture.newSend())).toBeNull();
  }
  // Once by the direct send, once from the queue.
  expect(fixture.socket.relayed).toEqual(idsOf([first, first]));
});

test("a direct send that takes long goes back behind what was queued before it, and ahead of later ones to its chat", async () => {
  const answered = Promise.withResolvers<void>();
  const slow = "15550100071";
  const fixture = await idleSender({
    lookup: (jid) => (jid.startsWith(slow) ? answered.promise : Promise.resolve()),
  });
  const toSlow = { payload: { to: slow, content: { type: "text", text: "Hello" } } };
  const [queued] = (await fixture.insert(1)) as [CommandDocument];
  const direct = fixture.newSend(toSlow);
  await fixture.direct(direct);
  const [later] = (await fixture.insert(1, toSlow)) as [CommandDocument];
  fixture.sender.ring({ commandId: later._id });
  await fixture.settled(queued);
  answered.resolve();
  await Promise.all([direct, later].map(fixture.settled));
  expect(fixture.socket.written).toEqual(idsOf([queued, direct, later]));
  expect(fixture.errors).toEqual([]);
});

test("a look that began with the request serves its insertion, and an old one does not", async () => {
  const fixture = await idleSender();
  const [early, late] = [fixture.sender.look(), fixture.sender.look()];
  await Promise.all([early?.open, late?.open]);
  const [queued] = (await fixture.insert(1)) as [CommandDocument];
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const first = fixture.newSend();
  await fixture.sender.insertClaimed(first, {
    mayExist: false,
    look: { ...early, at: performance.now() } as Look,
  });
  await fixture.settled(first);
  // A send that came after the request does not go first.
  expect(fixture.socket.written).toEqual(idsOf([first]));
  const second = fixture.newSend();
  await fixture.sender.insertClaimed(second, {
    mayExist: false,
    look: { ...late, at: performance.now() - 100 } as Look,
  });
  await fixture.settled(second);
  expect(fixture.socket.written).toEqual(idsOf([first, queued, second]));
});

describe("a direct send whose look is on its way", () => {
  /** `found` is what the look finds. */
  async function looking(found: Promise<{ hasQueued: boolean; isDeleted: boolean }>, earlier = 0) {
    const fixture = await idleSender();
    const queued = await fixture.insert(earlier);
    const command = fixture.newSend();
    const look = { at: performance.now(), open: found };
    const stored = fixture.sender.insertClaimed(command, { mayExist: false, look });
    stored?.catch(() => undefined);
    await eventually(() => fixture.socket.relayed.length === 1);
    await eventually(() => file.all.commands.findOne({ _id: command._id }));
    const isRecorded = async () =>
      (await file.all.messages.findOne({ messageId: command.messageId ?? "" })) !== null;
    return { ...fixture, queued, command, isRecorded };
  }

  test("is encrypted, and neither recorded nor sent before the look has found nothing", async () => {
    const look = Promise.withResolvers<{ hasQueued: boolean; isDeleted: boolean }>();
    const { command, isRecorded, ...fixture } = await looking(look.promise);
    await setImmediate();
    expect([await isRecorded(), fixture.socket.written]).toEqual([false, []]);
    look.resolve({ hasQueued: false, isDeleted: false });
    await fixture.settled(command);
    expect([await isRecorded(), fixture.socket.written]).toEqual([true, idsOf([command])]);
  });

  test("goes out although the look takes longer than a relay waits for it", async () => {
    const look = Promise.withResolvers<{ hasQueued: boolean; isDeleted: boolean }>();
    const { command, isRecorded, ...fixture } = await looking(look.promise);
    // Its lock is given back.
    await eventually(() => fixture.socket.failed.length === 1);
    expect([await isRecorded(), fixture.socket.written]).toEqual([false, []]);
    look.resolve({ hasQueued: false, isDeleted: false });
    expect(await fixture.settled(command)).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(fixture.socket.written).toEqual(idsOf([command]));
  });

  test("is not recorded when something else is queued, and goes out after that", async () => {
    const look = Promise.withResolvers<{ hasQueued: boolean; isDeleted: boolean }>();
    const { command, queued, isRecorded, ...fixture } = await looking(look.promise, 1);
    expect(await isRecorded()).toBe(false);
    look.resolve({ hasQueued: true, isDeleted: false });
    await eventually(() => fixture.socket.failed.length === 1);
    await Promise.all([...queued, command].map(fixture.settled));
    expect(fixture.socket.written).toEqual(idsOf([...queued, command]));
  });

  test("ends the session when the look fails", async () => {
    const look = Promise.withResolvers<{ hasQueued: boolean; isDeleted: boolean }>();
    const { isRecorded, ...fixture } = await looking(look.promise);
    look.reject(new Error("made up"));
    await eventually(() => fixture.errors.length > 0);
    expect([await isRecorded(), fixture.socket.written]).toEqual([false, []]);
  });
});

test("a send that was just queued goes out before a later one, which is not direct", async () => {
  const fixture = await idleSender();
  const [queued] = (await fixture.insert(1)) as [CommandDocument];
  fixture.sender.ring({ commandId: queued._id });
  expect(fixture.direct(fixture.newSend())).toBeNull();
});

test("an insertion that fails ends the session, and nothing of the send leaves", async () => {
  const fixture = await idleSender();
  const failing = Promise.reject(new Error("made up"));
  failing.catch(() => undefined);
  const lost = fixture.held(fixture.newSend(), failing);
  await expect(lost).rejects.toThrow("made up");
  await eventually(() => fixture.errors.length > 0);
  expect(fixture.errors).toContainEqual(expect.objectContaining({ message: "made up" }));
  expect(fixture.socket.written).toEqual([]);
});

test("a closed socket queues direct sends again, which go out in order over the next one", async () => {
  const relayed = Promise.withResolvers<void>();
  let isHeld = false;
  const fixture = await idleSender({ relay: () => (isHeld ? relayed.promise : Promise.resolve()) });
  isHeld = true;
  const commands = Array.from({ length: 6 }, () => fixture.newSend());
  await fixture.direct(commands[0] as CommandDocument);
  await eventually(() => fixture.socket.relayed.length === 1);
  // These wait behind it.
  await Promise.all(commands.slice(1).map((command) => fixture.direct(command)));
  const next = fixture.reopen();
  relayed.resolve();
  await Promise.all(commands.map(fixture.settled));
  // The first one may or may not have arrived.
  expect([fixture.socket.relayed, next.relayed]).toEqual([idsOf(commands).slice(0, 1), idsOf(commands)]);
  expect(fixture.errors).toEqual([]);
});

test("a stopped sender queues the direct sends that wait", async () => {
  const acked = Promise.withResolvers<"sent">();
  const relayed = Promise.withResolvers<void>();
  let isHeld = false;
  const fixture = await idleSender({
    ack: () => (isHeld ? acked.promise : Promise.resolve("sent")),
    relay: () => (isHeld ? relayed.promise : Promise.resolve()),
  });
  isHeld = true;
  const commands = Array.from({ length: 4 }, () => fixture.newSend());
  await fixture.direct(commands[0] as CommandDocument);
  await eventually(() => fixture.socket.relayed.length === 1);
  await Promise.all(commands.slice(1).map((command) => fixture.direct(command)));
  const stopped = fixture.sender.stop();
  relayed.resolve();
  acked.resolve("sent");
  await stopped;
  const states = (await Promise.all(commands.map(fixture.read))).map(({ state }) => state);
  expect(states).toEqual(["succeeded", "queued", "queued", "queued"]);
  expect(fixture.direct(fixture.newSend())).toBeNull();
});

test("more than 32 direct sends at once are left to the queue", async () => {
  const relayed = Promise.withResolvers<void>();
  let isHeld = false;
  const fixture = await idleSender({ relay: () => (isHeld ? relayed.promise : Promise.resolve()) });
  isHeld = true;
  const commands = Array.from({ length: 40 }, () => fixture.newSend());
  const taken = commands.filter((command) => fixture.direct(command) !== null);
  expect(taken).toHaveLength(32);
  relayed.resolve();
  await Promise.all(taken.map(fixture.settled));
});

test("a send that somebody else inserts first is theirs, and one that nobody does goes out once it is stored", async () => {
  const fixture = await idleSender();
  const [theirs] = (await fixture.insert(1, { state: "succeeded", doneAt: new Date() })) as [CommandDocument];
  await expect(fixture.direct(theirs, true)).rejects.toMatchObject({ code: 11000 });
  const ours = fixture.newSend();
  const released = Promise.withResolvers<void>();
  await eventually(() => fixture.socket.failed.length === 1);
  // The queue is searched for theirs first.
  await eventually(() => fixture.held(ours, released.promise, true) !== null);
  const other = fixture.newSend();
  // The insertion of the first one is under way: they do not share it.
  await setImmediate();
  await setImmediate();
  await fixture.direct(other);
  expect(fixture.socket.written).toEqual([]);
  released.resolve();
  for (const one of [ours, other]) expect(await fixture.settled(one)).toMatchObject({ state: "succeeded" });
  expect([fixture.socket.written, fixture.errors]).toEqual([idsOf([ours, other]), []]);
  expect(await fixture.read(theirs)).toMatchObject({ state: "succeeded", attempts: 0 });
});

test("a send that somebody else inserted and this owner claimed is not queued again with the direct ones", async () => {
  const [relayed, acked] = [Promise.withResolvers<void>(), Promise.withResolvers<"sent">()];
  let isHeld = false;
  const fixture = await idleSender({
    ack: () => (isHeld ? acked.promise : Promise.resolve("sent")),
    relay: () => (isHeld ? relayed.promise : Promise.resolve()),
  });
  isHeld = true;
  const [theirs] = (await fixture.insert(1)) as [CommandDocument];
  fixture.sender.ring({ commandId: theirs._id });
  await eventually(() => fixture.socket.relayed.length === 1);
  const again = fixture.direct(theirs, true);
  await expect(again).rejects.toMatchObject({ code: 11000 });
  const stopped = fixture.sender.stop();
  relayed.resolve();
  await eventually(() => fixture.socket.written.length === 1);
  acked.resolve("sent");
  await stopped;
  expect(await fixture.read(theirs)).toMatchObject({ state: "succeeded", attempts: 1 });
});

test("a direct send on a channel that was deleted is refused, and never goes out", async () => {
  const fixture = await idleSender();
  await file.all.channels.insertOne(channelDocument({ _id: fixture.channelId, deletedAt: new Date() }));
  const command = fixture.newSend();
  await expect(fixture.direct(command)).rejects.toMatchObject({ code: "channel_not_found" });
  await fixture.sender.stop();
  expect([fixture.socket.written, fixture.errors]).toEqual([[], []]);
});

test("a direct send that was refused with 404 stays out of the queue when others go back into it", async () => {
  const relayed = Promise.withResolvers<void>();
  let isHeld = false;
  const fixture = await idleSender({ relay: () => (isHeld ? relayed.promise : Promise.resolve()) });
  isHeld = true;
  const [first, behind, refused] = [fixture.newSend(), fixture.newSend(), fixture.newSend()];
  await fixture.direct(first);
  await eventually(() => fixture.socket.relayed.length === 1);
  const [queued] = (await fixture.insert(1)) as [CommandDocument];
  const waits = fixture.direct(behind);
  const look = { at: performance.now(), open: Promise.resolve({ hasQueued: true, isDeleted: true }) };
  const refusal = fixture.sender.insertClaimed(refused, { mayExist: false, look });
  await expect(refusal).rejects.toMatchObject({ code: "channel_not_found" });
  await waits;
  relayed.resolve();
  await Promise.all([first, queued, behind].map(fixture.settled));
  expect(fixture.socket.written).toEqual(idsOf([first, queued, behind]));
  expect(await fixture.read(refused)).toMatchObject({ state: "running" });
});

test("a direct send whose owner is deposed while it is stored is queued for the next one", async () => {
  const fixture = await idleSender();
  const released = Promise.withResolvers<void>();
  const command = fixture.newSend();
  const stored = fixture.held(command, released.promise);
  fixture.now.isOwner = false;
  released.resolve();
  expect(await stored).toEqual({ isQueued: true });
  expect(await fixture.read(command)).toMatchObject({ state: "queued", attempts: 0 });
  expect(fixture.socket.written).toEqual([]);
});

describe("a process killed between any two effects of the shared writes of four direct sends", () => {
  /** Four commands, records, events with a fence, settlements and statuses. */
  const effectsOfFour = 22;
  const toChat = (to: string) => ({ payload: { to, content: { type: "text", text: "Hello" } } });

  test.each([false, true])(
    "leaves none on the wire that is not stored, and each stored one in a true state (may exist: %s)",
    {
      timeout: 120_000,
    },
    async (mayExist) => {
      await Promise.all(Array.from({ length: effectsOfFour }, (_, effects) => killedAt(effects, mayExist)));
    },
  );

  async function killedAt(effects: number, mayExist: boolean) {
    const killed = Promise.withResolvers<void>();
    // The takeover raises the fence first.
    const dying = await senderOn(killedInside(file.all, effects + 1, killed.resolve));
    const { channelId } = dying;
    dying.sender.ring();
    const chats = ["15550100081", "15550100082", "15550100081", "15550100083"];
    const commands = chats.map((to) => dying.newSend(toChat(to)));
    const [first, ...others] = commands as [CommandDocument, ...CommandDocument[]];
    const insertions: (Promise<unknown> | null)[] = [];
    // Until the queue was found empty, there are none.
    await eventually(() => {
      insertions[0] = dying.sender.insertClaimed(first, { mayExist });
      return insertions[0] !== null;
    });
    for (const other of others) insertions.push(dying.sender.insertClaimed(other, { mayExist }));
    const answers = Promise.allSettled(insertions);
    const isDone = async () => (await Promise.all(commands.map(dying.read))).every((one) => one?.doneAt);
    await Promise.race([killed.promise, eventually(isDone).catch(() => undefined)]);
    await dying.sender.stop();
    const isAccepted = (await answers).map(({ status }) => status === "fulfilled");
    const next = await senderOn(file.all, {}, 20_000, { channelId, epoch: 2 });
    next.sender.ring();
    const copiesOf = (id = "") =>
      [...dying.socket.written, ...next.socket.written].filter((written) => written === id);
    for (const [index, command] of commands.entries()) {
      const { _id, messageId } = command;
      const where = `send ${index} after ${effects} effects`;
      if (!(await file.all.commands.findOne({ _id }))) {
        expect([isAccepted[index], copiesOf(messageId)], where).toEqual([false, []]);
        continue;
      }
      await eventually(async () => (await next.read(command)).state === "succeeded");
      const published = await file.all.events.find({ channelId, "data.messageId": messageId }).toArray();
      const statuses = published.map(({ data }) => data.status);
      const sent = statuses.filter((status) => status === "sent");
      expect([sent, new Set(statuses).size], where).toEqual([["sent"], statuses.length]);
      const copies = copiesOf(messageId).length;
      expect(copies, where).toBeGreaterThan(0);
      expect(copies, where).toBeLessThanOrEqual(statuses.includes("unknown") ? 2 : 1);
    }
    await next.sender.stop();
  }
});
