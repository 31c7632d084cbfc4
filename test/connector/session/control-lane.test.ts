import { describe, expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { type Effect, newMachine, type Signal, type StateName } from "#connector/machine/machine.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { createControlLane } from "#connector/session/control-lane.ts";
import { createMachineRunner } from "#connector/session/machine-runner.ts";
import { countPairingRequest } from "#connector/session/pairing-limit.ts";
import { connectBackoff } from "#connector/timings.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { CommandType } from "#shared/commands.ts";
import { eventually } from "#test/support/eventually.ts";
import { channelDocument, commandDocument, fileDatabase } from "../connector.fixture.ts";
import { codes } from "../machine/machine.model.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();
const limits = { backoff: connectBackoff, replacedPauseMs: 60_000, stableMs: 60_000 };

interface Situation {
  state?: StateName;
  isLinked?: boolean;
  /** What WhatsApp does when the machine asks for something. */
  answer?: Partial<Record<Effect["type"], Signal>>;
}

/** The control of one channel on its real document, queue and log; only WhatsApp's answers are made up. */
async function controlling({ state = "inactive", isLinked = true, answer = {} }: Situation = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 1 } });
  const channelId = channel._id;
  await file.all.channels.insertOne(channel);
  const fence = { channelId, epoch: 1 };
  const channelStore = createChannelStore(file.all, fence);
  const now = { isLinked, isOwner: true, erased: 0 };
  const scope = sessionScope({ channelId, isOwner: () => now.isOwner });
  const { errors } = scope;
  const machineRunner = createMachineRunner(scope, {
    lastDisconnect: null,
    initial: newMachine(state),
    channelStore,
    events: await openEventLog(file.all.events, fence),
    async perform({ type }) {
      const signal = answer[type];
      if (signal) void machineRunner.dispatch(signal);
    },
    isLinked: () => now.isLinked,
    isWrongAccount: () => false,
    limits,
    onChange: () => undefined,
  });
  const control = createControlLane(scope, {
    queue: createCommandQueue(file.all.commands, fence, "me"),
    machineRunner,
    channelStore,
    db: file.all,
    isLinked: () => now.isLinked,
    erase: async () => void now.erased++,
  });
  const insert = async (type: CommandType | string, payload: unknown = {}) => {
    const command = commandDocument(channelId, { type, payload, lane: 0 });
    await file.all.commands.insertOne(command);
    return command._id;
  };
  const read = async (_id: string) => (await file.all.commands.findOne({ _id })) as CommandDocument;
  const settled = (id: string) => eventually(async () => ((await read(id)).doneAt ? read(id) : null));
  return {
    ...{ machineRunner, control, now, errors, insert, read, settled },
    wanted: async () => (await file.all.channels.findOne({ _id: channelId }))?.wanted,
    async run(type: CommandType | string, payload?: unknown) {
      const id = await insert(type, payload);
      control.ring();
      return settled(id);
    },
  };
}

const phoneNumber = "15550200001";

describe("connecting", () => {
  test("stores the wish, starts, and answers with the present status", async () => {
    const { run, wanted, machineRunner } = await controlling();
    expect(await run("channel.connect")).toMatchObject({
      state: "succeeded",
      result: { status: "connecting" },
    });
    expect(await wanted()).toBe("connected");
    expect(machineRunner.machine().state).toBe("connecting");
  });

  test("an active channel changes nothing", async () => {
    const { run } = await controlling({ state: "active" });
    expect(await run("channel.connect")).toMatchObject({ result: { status: "active" } });
  });

  test("and disconnecting, drops the wish", async () => {
    const { run, wanted } = await controlling({ state: "active" });
    expect(await run("channel.disconnect")).toMatchObject({ result: { status: "inactive" } });
    expect(await wanted()).toBe("disconnected");
  });
});

describe("a pairing code", () => {
  const answer: Situation["answer"] = {
    open_socket: { type: "qr", code: codes.qr },
    request_code: { type: "code", code: codes.typed },
  };

  test("is waited for and given, with its end", async () => {
    const { run } = await controlling({ isLinked: false, answer });
    expect(await run("channel.request_pairing_code", { phoneNumber: "15550200002" })).toMatchObject({
      state: "succeeded",
      result: { code: codes.typed.text, expiresAt: new Date(codes.typed.expiresAt).toISOString() },
    });
  });

  test("is refused to a channel that is linked", async () => {
    const { run } = await controlling({ state: "active" });
    expect(await run("channel.request_pairing_code", { phoneNumber })).toMatchObject({
      state: "failed",
      error: { code: "already_linked" },
    });
  });

  test("that does not come is an error as soon as that is clear", async () => {
    const gone: Signal = { type: "closed", reason: { kind: "pairing_failed" }, code: null };
    const { run } = await controlling({ isLinked: false, answer: { ...answer, request_code: gone } });
    expect(await run("channel.request_pairing_code", { phoneNumber: "15550200003" })).toMatchObject({
      state: "failed",
      error: { code: "whatsapp_rejected", details: { reason: "pairing_failed" } },
    });
  });

  test("asked for too often is refused, and a channel that rests is not wanted by that", async () => {
    const { run, wanted, machineRunner } = await controlling({ isLinked: false, answer });
    for (let time = 1; time <= 5; time++) await countPairingRequest(file.all, phoneNumber);
    await file.all.channels.updateMany({}, { $set: { wanted: "connected" } });
    expect(await run("channel.connect", { phoneNumber })).toMatchObject({
      state: "failed",
      error: { code: "pairing_rate_limited" },
    });
    expect([machineRunner.machine().state, await wanted()]).toEqual(["inactive", "disconnected"]);
  });
});

describe("logging out", () => {
  test("is done when the channel is logged out, over a connection of its own if need be", async () => {
    const { run } = await controlling({ answer: { open_socket: { type: "opened" } } });
    expect(await run("channel.logout")).toMatchObject({
      state: "succeeded",
      result: { status: "logged_out" },
    });
  });

  test("waits beside other commands, and a stop in between does not undo it", async () => {
    const { insert, control, settled, machineRunner } = await controlling();
    const [logout, stop] = [await insert("channel.logout"), await insert("channel.disconnect")];
    control.ring();
    await settled(stop);
    expect(machineRunner.machine()).toMatchObject({ state: "connecting", unlinkOnOpen: true });
    await machineRunner.dispatch({ type: "opened" });
    expect(await settled(logout)).toMatchObject({ state: "succeeded", result: { status: "logged_out" } });
  });

  test("that is interrupted goes back to the queue: the next owner takes it up", async () => {
    const { insert, control, machineRunner, read } = await controlling();
    const logout = await insert("channel.logout");
    control.ring();
    await eventually(() => machineRunner.machine().unlinkOnOpen);
    await control.stop();
    expect((await read(logout)).state).toBe("queued");
    const { channelId } = await read(logout);
    const next = createCommandQueue(file.all.commands, { channelId, epoch: 2 }, "next");
    expect((await next.claim([0], 1)).map(({ _id }) => _id)).toEqual([logout]);
  });
});

test("deleting is left to who erases; the command goes with the channel", async () => {
  const { insert, control, now, read } = await controlling();
  const id = await insert("channel.delete");
  control.ring();
  await eventually(() => now.erased === 1);
  expect((await read(id)).state).toBe("running");
});

describe("a command that makes no sense", () => {
  test.each<[string, unknown]>([
    ["channel.connect", { phoneNumber: "none" }],
    ["channel.connect", null],
    ["channel.disconnect", { now: true }],
    ["message.send", { to: "15550100001", content: { type: "text", text: "Hello" } }],
    ["channel.explode", {}],
    ["constructor", {}],
  ])("%s with %j fails, and the next is carried out", async (type, payload) => {
    const { insert, control, settled, errors } = await controlling();
    const [bad, good] = [await insert(type, payload), await insert("channel.connect")];
    control.ring();
    expect(await settled(bad)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
    expect(await settled(good)).toMatchObject({ state: "succeeded" });
    expect(errors).toEqual([]);
  });
});

test("who is not the owner claims nothing, and who stops claims nothing more", async () => {
  const { insert, control, now, read } = await controlling();
  const id = await insert("channel.connect");
  now.isOwner = false;
  control.ring();
  await control.stop();
  now.isOwner = true;
  control.ring();
  await control.stop();
  expect((await read(id)).state).toBe("queued");
});

test("commands that came in one go are carried out in order, however many", async () => {
  const { insert, control, settled, machineRunner } = await controlling();
  const ids: string[] = [];
  for (let n = 0; n < 21; n++) ids.push(await insert(n % 2 === 0 ? "channel.connect" : "channel.disconnect"));
  control.ring();
  const all = await Promise.all(ids.map(settled));
  expect(all.map(({ result }) => result?.status)).toEqual(
    ids.map((_, n) => (n % 2 === 0 ? "connecting" : "inactive")),
  );
  expect(machineRunner.machine().state).toBe("connecting");
});
