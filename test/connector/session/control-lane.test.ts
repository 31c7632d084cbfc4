import type { Collection } from "mongodb";
import { describe, expect, test } from "vitest";
import { createCommandQueue } from "#connector/commands/command-queue.ts";
import { openEventLog } from "#connector/events/event-log.ts";
import { type Effect, newMachine, type Signal, type StateName } from "#connector/machine/machine.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import type { ControlType } from "#connector/session/control-handlers.ts";
import { createControlLane } from "#connector/session/control-lane.ts";
import { createMachineRunner } from "#connector/session/machine-runner.ts";
import { countPairingRequest } from "#connector/session/pairing-limit.ts";
import { defaultTimings as limits } from "#connector/timings.ts";
import { phoneNumberSchema } from "#shared/channel.ts";
import type { CommandDocument } from "#shared/collections.ts";
import type { CommandPayload, CommandType } from "#shared/commands.ts";
import { collections } from "#shared/database.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { channelDocument, commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { codes } from "../machine/machine.model.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();

interface Situation {
  state?: StateName;
  isLinked?: boolean;
  /** The signal with which WhatsApp answers an effect. */
  answers?: Partial<Record<Effect["type"], Signal>>;
  /** Resolves when the channel is erased. */
  erasure?: Promise<void>;
  /** As the lane's queue reaches them. */
  commands?: Collection<CommandDocument>;
}

/** The control lane of one channel on its real document, queue and log; only WhatsApp's answers are made up. */
async function openLane(situation: Situation = {}) {
  const {
    state = "inactive",
    isLinked = true,
    answers = {},
    erasure,
    commands = file.all.commands,
  } = situation;
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
      const signal = answers[type];
      if (signal) void machineRunner.dispatch(signal);
    },
    isLinked: () => now.isLinked,
    account: {
      linked: () => ({ phoneNumber: null, lid: null }),
      accept: () => undefined,
      isWrongAccount: () => false,
    },
    limits,
    forgetCode: async () => undefined,
    onChange: () => undefined,
  });
  const lane = createControlLane(scope, {
    queue: createCommandQueue(commands, fence, "me"),
    machineRunner,
    channelStore,
    db: file.all,
    isLinked: () => now.isLinked,
    async erase() {
      now.erased++;
      await erasure;
    },
  });
  const insert = async (type: CommandType | string, payload: unknown = {}) => {
    const command = commandDocument(channelId, { type, payload, lane: 0 });
    await file.all.commands.insertOne(command);
    return command._id;
  };
  const read = async (_id: string) => (await file.all.commands.findOne({ _id })) as CommandDocument;
  const settled = (id: string) => eventually(async () => ((await read(id)).doneAt ? read(id) : null));
  return {
    ...{ machineRunner, lane, now, errors, insert, read, settled },
    wanted: async () => (await file.all.channels.findOne({ _id: channelId }))?.wanted,
    async run(type: CommandType | string, payload?: unknown) {
      const id = await insert(type, payload);
      lane.ring();
      return settled(id);
    },
  };
}

const phoneNumber = "15550200001";

describe("`channel.connect`", () => {
  test("stores the wish, starts to connect and returns the status", async () => {
    const { run, wanted, machineRunner } = await openLane();
    expect(await run("channel.connect")).toMatchObject({
      state: "succeeded",
      result: { status: "connecting" },
    });
    expect(await wanted()).toBe("connected");
    expect(machineRunner.machine().state).toBe("connecting");
  });

  test("returns the status of its own step, also when the QR has come meanwhile", async () => {
    const { run, machineRunner } = await openLane({
      isLinked: false,
      answers: { open_socket: { type: "qr", code: codes.qr } },
    });
    expect(await run("channel.connect")).toMatchObject({ result: { status: "connecting" } });
    await eventually(() => machineRunner.machine().state === "qr_ready");
  });

  test("changes nothing on an active channel", async () => {
    const { run } = await openLane({ state: "active" });
    expect(await run("channel.connect")).toMatchObject({ result: { status: "active" } });
  });
});

test("`channel.disconnect` drops the wish", async () => {
  const { run, wanted } = await openLane({ state: "active" });
  expect(await run("channel.disconnect")).toMatchObject({ result: { status: "inactive" } });
  expect(await wanted()).toBe("disconnected");
});

describe("`channel.request_pairing_code`", () => {
  const answers: Situation["answers"] = {
    open_socket: { type: "qr", code: codes.qr },
    request_code: { type: "code", code: codes.typed },
  };

  test("waits for the code and returns it with its expiry", async () => {
    const { run } = await openLane({ isLinked: false, answers });
    expect(await run("channel.request_pairing_code", { phoneNumber: "15550200002" })).toMatchObject({
      state: "succeeded",
      result: { code: codes.typed.text, expiresAt: new Date(codes.typed.expiresAt).toISOString() },
    });
  });

  test("is refused on a linked channel", async () => {
    const { run } = await openLane({ state: "active" });
    expect(await run("channel.request_pairing_code", { phoneNumber })).toMatchObject({
      state: "failed",
      error: { code: "already_linked" },
    });
  });

  test("fails as soon as the pairing has failed", async () => {
    const refused: Signal = { type: "closed", reason: { kind: "pairing_failed" }, code: null };
    const { run } = await openLane({ isLinked: false, answers: { ...answers, request_code: refused } });
    expect(await run("channel.request_pairing_code", { phoneNumber: "15550200003" })).toMatchObject({
      state: "failed",
      error: { code: "whatsapp_rejected", details: { reason: "pairing_failed" } },
    });
  });

  test("a request over the hourly limit is refused, and drops the wish of a resting channel", async () => {
    const { run, wanted, machineRunner } = await openLane({ isLinked: false, answers });
    for (let time = 1; time <= 5; time++) await countPairingRequest(file.all, phoneNumber);
    await file.all.channels.updateMany({}, { $set: { wanted: "connected" } });
    expect(await run("channel.connect", { phoneNumber })).toMatchObject({
      state: "failed",
      error: { code: "pairing_rate_limited" },
    });
    expect([machineRunner.machine().state, await wanted()]).toEqual(["inactive", "disconnected"]);
  });
});

describe("`channel.logout`", () => {
  test("succeeds once the channel is logged out, and connects first if necessary", async () => {
    const { run } = await openLane({
      answers: { open_socket: { type: "opened" }, unlink_device: { type: "unlinked" } },
    });
    expect(await run("channel.logout")).toMatchObject({
      state: "succeeded",
      result: { status: "logged_out" },
    });
  });

  test("does not block later commands, and a `channel.disconnect` in between does not undo it", async () => {
    const { insert, lane, settled, machineRunner } = await openLane();
    const [logout, stop] = [await insert("channel.logout"), await insert("channel.disconnect")];
    lane.ring();
    await settled(stop);
    expect(machineRunner.machine()).toMatchObject({ state: "connecting", unlink: { cause: "logout" } });
    await machineRunner.dispatch({ type: "opened" });
    await machineRunner.dispatch({ type: "unlinked" });
    expect(await settled(logout)).toMatchObject({ state: "succeeded", result: { status: "logged_out" } });
  });

  test("waits beside 63 others at most: the next command is claimed when one has ended", async () => {
    const { insert, lane, machineRunner, read, settled } = await openLane();
    const logouts = await Promise.all(Array.from({ length: 64 }, () => insert("channel.logout")));
    lane.ring();
    const states = async () => (await Promise.all(logouts.map(read))).map(({ state }) => state);
    await eventually(async () => (await states()).every((state) => state === "running"));
    const stop = await insert("channel.disconnect");
    lane.ring();
    await machineRunner.dispatch({ type: "opened" });
    expect((await read(stop)).state).toBe("queued");
    await machineRunner.dispatch({ type: "unlinked" });
    await settled(stop);
    expect(new Set(await states())).toEqual(new Set(["succeeded"]));
  });

  test("is queued again when the lane stops, and the next owner claims it", async () => {
    const { insert, lane, machineRunner, read } = await openLane();
    const logout = await insert("channel.logout");
    lane.ring();
    await eventually(() => machineRunner.machine().unlink !== null);
    await lane.stop();
    expect((await read(logout)).state).toBe("queued");
    const { channelId } = await read(logout);
    const next = createCommandQueue(file.all.commands, { channelId, epoch: 2 }, "next");
    expect((await next.claim([0], 1)).map(({ _id }) => _id)).toEqual([logout]);
  });
});

test("`channel.delete` calls the erasure and leaves its own command to it", async () => {
  const { insert, lane, now, read } = await openLane();
  const id = await insert("channel.delete");
  lane.ring();
  await eventually(() => now.erased === 1);
  expect((await read(id)).state).toBe("running");
});

test("a lane is idle only while no command is known to wait or to run", async () => {
  const { promise: erasure, resolve } = Promise.withResolvers<void>();
  const { insert, lane, now } = await openLane({ erasure });
  expect(lane.isIdle()).toBe(true);
  lane.ring(await insert("channel.delete"));
  expect(lane.isIdle()).toBe(false);
  await eventually(() => now.erased === 1);
  expect(lane.isIdle()).toBe(false);
  resolve();
  await eventually(() => lane.isIdle());
  await lane.stop();
  expect(lane.isIdle()).toBe(false);
});

describe("an invalid command", () => {
  test.each<[string, unknown]>([
    ["channel.connect", { phoneNumber: "none" }],
    ["channel.connect", null],
    ["channel.disconnect", { now: true }],
    ["message.send", { to: "15550100001", content: { type: "text", text: "Hello" } }],
    ["channel.explode", {}],
    ["constructor", {}],
  ])("%s with %j fails, and the next one is carried out", async (type, payload) => {
    const { insert, lane, settled, errors } = await openLane();
    const [bad, good] = [await insert(type, payload), await insert("channel.connect")];
    lane.ring();
    expect(await settled(bad)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
    expect(await settled(good)).toMatchObject({ state: "succeeded" });
    expect(errors).toEqual([]);
  });
});

/** Every control command, with a payload and whether the channel is linked. */
const controls: { [T in ControlType]: { payload: CommandPayload<T>; isLinked: boolean } } = {
  "channel.connect": { payload: {}, isLinked: true },
  "channel.request_pairing_code": {
    payload: { phoneNumber: phoneNumberSchema.parse("15550200004") },
    isLinked: false,
  },
  "channel.disconnect": { payload: {}, isLinked: true },
  "channel.logout": { payload: {}, isLinked: true },
  "channel.delete": { payload: {}, isLinked: true },
};

test.each(Object.entries(controls))(
  "`%s` does not block a later command while WhatsApp is silent",
  async (type, { payload, isLinked }) => {
    const { insert, lane, settled } = await openLane({ isLinked, erasure: new Promise(() => undefined) });
    await insert(type, payload);
    const disconnect = await insert("channel.disconnect");
    lane.ring();
    expect(await settled(disconnect)).toMatchObject({ state: "succeeded" });
  },
);

test("a lane claims nothing without ownership, and nothing after it was stopped", async () => {
  const { insert, lane, now, read } = await openLane();
  const id = await insert("channel.connect");
  now.isOwner = false;
  lane.ring();
  await lane.stop();
  now.isOwner = true;
  lane.ring();
  await lane.stop();
  expect((await read(id)).state).toBe("queued");
});

test("commands inserted together run in order, even when they exceed one batch", async () => {
  const { insert, lane, settled, machineRunner } = await openLane();
  const ids: string[] = [];
  for (let n = 0; n < 21; n++) ids.push(await insert(n % 2 === 0 ? "channel.connect" : "channel.disconnect"));
  lane.ring();
  const all = await Promise.all(ids.map(settled));
  expect(all.map(({ result }) => result?.status)).toEqual(
    ids.map((_, n) => (n % 2 === 0 ? "connecting" : "inactive")),
  );
  expect(machineRunner.machine().state).toBe("connecting");
});

test("a command that was just queued is claimed by one command to the database", async () => {
  await using counted = await countedCommands(file.database);
  const { insert, lane, settled } = await openLane({ commands: collections(counted.db).commands });
  const id = await insert("channel.connect");
  lane.ring(id);
  await settled(id);
  await lane.stop();
  expect(counted.names).toEqual(["findAndModify", "update"]);
});

test("a command is carried out although the ring for it finds an older one", async () => {
  const { insert, lane, settled } = await openLane();
  // Nobody rings for it, as for one that was postponed.
  const older = await insert("channel.connect");
  const id = await insert("channel.disconnect");
  lane.ring(id);
  await settled(older);
  expect(await settled(id)).toMatchObject({ state: "succeeded" });
});

describe("the command for which a channel was taken", () => {
  test.each([
    ["channel.connect", {}, true],
    ["channel.request_pairing_code", { phoneNumber }, true],
    ["channel.logout", {}, false],
  ] as const)("`%s` %j links the channel: %s", async (type, payload, isPairing) => {
    const { insert, lane, read } = await openLane({ isLinked: false });
    const id = await insert(type, payload);
    expect(await lane.claimFirst()).toMatchObject({ isPairing });
    expect((await read(id)).state).toBe("running");
  });

  test("is carried out before those behind it, however it is rung", async () => {
    const { insert, lane, read, settled, machineRunner } = await openLane();
    const ids = [await insert("channel.connect"), await insert("channel.disconnect")] as const;
    const { done } = await lane.claimFirst();
    lane.ring();
    lane.ring(ids[1]);
    await done;
    expect((await read(ids[0])).state).toBe("succeeded");
    const all = await Promise.all(ids.map(settled));
    expect(all.map(({ result }) => result?.status)).toEqual(["connecting", "inactive"]);
    expect(machineRunner.machine().state).toBe("inactive");
  });

  test("links the channel also when it comes after another, or is another service's", async () => {
    for (const before of ["channel.disconnect", null] as const) {
      const { insert, lane, read } = await openLane();
      if (before) await insert(before);
      const id = await insert("channel.connect");
      if (!before) await file.all.commands.updateOne({ _id: id }, { $set: { adoptedAt: new Date() } });
      expect(await lane.claimFirst()).toMatchObject({ isPairing: true });
      expect((await read(id)).state).toBe("queued");
    }
  });

  test("is queued again when the lane stops before its first pass", async () => {
    const { insert, lane, read } = await openLane();
    const id = await insert("channel.connect");
    await lane.claimFirst();
    await lane.stop();
    expect(await read(id)).toMatchObject({ state: "queued", attempts: 0 });
  });
});
