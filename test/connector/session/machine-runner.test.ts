import { expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { type MachineState, newMachine, type Signal } from "#connector/machine/machine.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import { createMachineRunner, type MachineRunnerOptions } from "#connector/session/machine-runner.ts";
import { defaultTimings as limits } from "#connector/timings.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { codes } from "../machine/machine.model.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const file = fileDatabase();
const done = Promise.resolve();
const unlink: Signal = { type: "unlink", cause: "logout" };
const start: Extract<Signal, { type: "start" }> = { type: "start", method: { kind: "qr" } };
const lost: Signal = { type: "closed", reason: { kind: "connection_lost" }, code: 428 };

/** A machine runner on a real document and log. `effects` lists each effect with the document's status at that moment. */
async function startRunner(
  options: Partial<
    Pick<
      MachineRunnerOptions,
      "initial" | "isLinked" | "perform" | "channelStore" | "events" | "hasFormerCode"
    >
  > = {},
) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 1 }, wanted: "connected" });
  await file.all.channels.insertOne(channel);
  const fence = { channelId: channel._id, epoch: 1 };
  const read = async () => (await file.all.channels.findOne({ _id: channel._id })) ?? channel;
  const effects: string[] = [];
  const changes: MachineState[] = [];
  const scope = sessionScope({ channelId: channel._id });
  const { errors } = scope;
  const runner = createMachineRunner(scope, {
    lastDisconnect: null,
    initial: newMachine("inactive"),
    channelStore: createChannelStore(file.all, fence),
    events: await openEventLog(file.all.events, fence),
    // A socket is opened beside the writes.
    perform: async ({ type }) =>
      void effects.push(type === "open_socket" ? type : `${type} while ${(await read()).status}`),
    isLinked: () => true,
    account: {
      linked: () => ({ phoneNumber: "15550100003", lid: "333@lid" }),
      accept: () => undefined,
      isWrongAccount: () => false,
    },
    limits,
    forgetCode: async () => undefined,
    onChange: (machine) => changes.push(machine),
    ...options,
  });
  const published = async () => {
    const events = await file.all.events
      .find({ channelId: channel._id, seq: { $exists: true } })
      .sort({ seq: 1 });
    return (await events.toArray()).map(({ data }) => data);
  };
  return { runner, read, published, effects, changes, errors };
}

test("each step is stored, published and carried out, one signal after the other", async () => {
  const { runner, read, published, effects, changes } = await startRunner();
  await Promise.all([
    runner.dispatch(start),
    runner.dispatch({ type: "opened" }),
    runner.dispatch({ type: "stop" }),
  ]);
  expect(await published()).toEqual([
    { status: "connecting" },
    { status: "active" },
    { status: "inactive", reason: "disconnected" },
  ]);
  expect(await read()).toMatchObject({ status: "inactive", reason: "disconnected", wanted: "disconnected" });
  expect(await read()).toMatchObject({ config: { phoneNumber: "15550100003" }, lid: "333@lid" });
  expect(changes.map(({ state }) => state)).toEqual(["connecting", "active", "inactive"]);
  expect(effects).toEqual([
    "cancel_retry while inactive",
    "open_socket",
    "remember_account while active",
    "cancel_retry while active",
    "close_socket while active",
    "drop_wish while inactive",
  ]);
});

test("a socket is opened while the step is being stored", async () => {
  const opened = Promise.withResolvers<void>();
  const { runner, errors } = await startRunner({
    channelStore: { saveStep: () => opened.promise, setWish: async () => undefined },
    perform: async ({ type }) => (type === "open_socket" ? opened.resolve() : undefined),
  });
  await runner.dispatch(start);
  expect(runner.machine().state).toBe("connecting");
  expect(errors).toEqual([]);
});

test("the first step of an owner removes the code that the former one showed", async () => {
  const { runner, read } = await startRunner({ hasFormerCode: true });
  const pairing = { ...codes.qr, expiresAt: new Date(codes.qr.expiresAt) };
  const { _id } = await read();
  await file.all.channels.updateOne({ _id }, { $set: { pairing, "config.qrCode": "shown" } });
  await runner.dispatch(start);
  expect(await read()).toMatchObject({ status: "connecting", pairing: null, config: { qrCode: null } });
});

test("a socket's frames wait for the step to be stored, not for its event", async () => {
  const published = Promise.withResolvers<void>();
  const { runner, errors } = await startRunner({
    events: { publish: () => published.promise },
    perform: ({ type }, saved) =>
      (type === "open_socket" ? saved?.then(published.resolve) : undefined) ?? done,
  });
  await runner.dispatch(start);
  expect(errors).toEqual([]);
});

test("a person's start is stored as a wish, also where it changes nothing else", async () => {
  const { runner, read } = await startRunner();
  await runner.dispatch({ type: "stop" });
  expect((await read()).wanted).toBe("disconnected");
  await runner.dispatch({ ...start, isWish: true });
  expect(await read()).toMatchObject({ status: "connecting", wanted: "connected" });
  await runner.dispatch({ type: "opened" });
  await file.all.channels.updateOne({ _id: (await read())._id }, { $set: { wanted: "disconnected" } });
  await runner.dispatch(start);
  expect((await read()).wanted).toBe("disconnected");
  await runner.dispatch({ ...start, isWish: true });
  expect(await read()).toMatchObject({ status: "active", wanted: "connected" });
});

test("an unlinking is stored before WhatsApp is asked, and the credentials are erased before the status says so", async () => {
  const { runner, read, effects } = await startRunner({ initial: newMachine("active") });
  await runner.dispatch(unlink);
  expect(await read()).toMatchObject({
    ...{ status: "connecting", reason: "unlinking", wanted: "disconnected" },
    unlink: { cause: "logout", since: expect.any(Date) },
  });
  await runner.dispatch({ type: "unlinked" });
  expect((await read()).unlink).toBeNull();
  expect(effects).toEqual([
    "unlink_device while connecting",
    "drop_wish while connecting",
    "cancel_retry while connecting",
    "close_socket while connecting",
    "erase_credentials while connecting",
    "drop_wish while logged_out",
  ]);
});

test("an ignored signal stores and publishes nothing", async () => {
  const { runner, read, published, effects, changes } = await startRunner({ initial: newMachine("active") });
  const before = await read();
  for (const signal of [start, { type: "retry" }, { type: "opened" }] as const) await runner.dispatch(signal);
  expect({ after: await read(), published: await published(), effects, changes }).toEqual({
    after: before,
    published: [],
    effects: [],
    changes: [],
  });
});

test("a new QR is stored in the document and not published", async () => {
  const { runner, read, published } = await startRunner({ isLinked: () => false });
  await runner.dispatch(start);
  for (const attempt of [1, 2, 3]) {
    await runner.dispatch({ type: "qr", code: { ...codes.qr, attempt, text: `2@${attempt}` } });
  }
  expect((await published()).map(({ status }) => status)).toEqual(["connecting", "qr_ready"]);
  expect(await read()).toMatchObject({ status: "qr_ready", pairing: { attempt: 3, text: "2@3" } });
});

test("a lost connection publishes its reason and next try, and `lastDisconnect` outlives the reconnect", async () => {
  const { runner, read, published } = await startRunner({ initial: newMachine("active") });
  await runner.dispatch(lost);
  const { retryAt } = runner.machine();
  const lastDisconnect = { code: 428, reason: "connection_lost", at: expect.any(String) };
  expect(await published()).toEqual([
    {
      status: "connecting",
      reason: "connection_lost",
      retryAt: new Date(retryAt ?? 0).toISOString(),
      lastDisconnect,
    },
  ]);
  expect(await read()).toMatchObject({
    status: "connecting",
    retryAt: new Date(retryAt ?? 0),
    lastDisconnect,
  });
  await runner.dispatch({ type: "retry" });
  await runner.dispatch({ type: "opened" });
  expect((await published()).at(-1)).toEqual({ status: "active", lastDisconnect });
  expect((await read()).wanted).toBe("connected");
});

test("`announce` stores and publishes the initial state", async () => {
  const { runner, read, published } = await startRunner({ initial: newMachine("inactive", "interrupted") });
  await runner.announce();
  expect(await published()).toEqual([{ status: "inactive", reason: "interrupted" }]);
  expect(await read()).toMatchObject({ reason: "interrupted", wanted: "disconnected", pairing: null });
});

test("a failed effect is reported, and the status does not change", async () => {
  const broken = new Error("broken");
  const { runner, read, errors } = await startRunner({
    initial: newMachine("active"),
    perform: ({ type }) => (type === "close_socket" ? Promise.reject(broken) : Promise.resolve()),
  });
  await runner.dispatch({ type: "stop" });
  expect(errors).toEqual([broken]);
  expect(runner.machine().state).toBe("active");
  expect((await read()).wanted).toBe("connected");
  await runner.dispatch(lost);
  expect(runner.machine().state).toBe("waiting");
});

test("`until` resolves at once, when the state arrives, or to null at its deadline", async () => {
  const { runner } = await startRunner();
  expect(await runner.until(({ state }) => state === "inactive", 10_000)).toEqual(runner.machine());
  const soon = runner.until(({ state }) => state === "active", 10_000);
  await Promise.all([
    runner.dispatch(start),
    runner.dispatch({ type: "opened" }),
    runner.dispatch({ type: "stop" }),
  ]);
  expect(await soon).toMatchObject({ state: "active" });
  expect(await runner.until(({ state }) => state === "error", 10)).toBeNull();
});
