import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { WA_CERT_DETAILS } from "#connector/baileys/baileys.ts";
import { createSocketCaches } from "#connector/baileys/socket-caches.ts";
import { createConnection } from "#connector/connection/connection.ts";
import type { Signal } from "#connector/machine/machine.ts";
import { defaultTimings } from "#connector/timings.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { eventually } from "#test/support/eventually.ts";
import { testDatabase } from "#test/support/test-database.ts";
import { open } from "../auth/auth.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

/** A connection to a sandbox of its own, with the signals and messages it delivers. */
async function connectToSandbox(
  overrides: { mustDiscard?(isLinked: boolean): boolean; mustUnlink?(): boolean } = {},
) {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await startSandbox());
  const database = owned.use(await testDatabase());
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(sandbox.rootKey, "hex");
  const auth = owned.use(await open(database.db, { server: "sandbox" }));
  const signals: Signal[] = [];
  const received: unknown[] = [];
  const signalsOf = (type: Signal["type"]) => signals.filter((signal) => signal.type === type);
  const scope = sessionScope({
    fail(error) {
      throw error;
    },
  });
  const connection = createConnection(scope, {
    auth,
    whatsapp: {
      server: { websocketUrl: sandbox.websocketUrl, rootKey: Buffer.from(sandbox.rootKey, "hex") },
      version: null,
    },
    caches: createSocketCaches(),
    timings: defaultTimings,
    getMessage: async () => undefined,
    turn: async () => undefined,
    inbox: {
      received: async (batch) => void received.push(batch),
      updated: () => undefined,
      idle: async () => undefined,
    },
    chatTimers: { learnChats: async () => undefined },
    mustDiscard: () => overrides.mustDiscard?.(auth.linked()) ?? false,
    mustUnlink: () => overrides.mustUnlink?.() ?? false,
    signal: (signal) => void signals.push(signal),
  });
  owned.defer(() => connection.terminate());
  /** Scans the QR; resolves when the socket that paired has closed, and another is being opened. */
  const pair = async (phoneNumber: string) => {
    connection.open();
    const [shown] = await eventually(() => (signalsOf("qr").length > 0 ? signalsOf("qr") : null));
    const phone = sandbox.account(phoneNumber);
    await phone.scan(shown?.type === "qr" ? shown.code.text : "");
    await eventually(() => signalsOf("closed").length > 0);
    connection.open();
    return phone;
  };
  const kept = owned.move();
  return { sandbox, connection, received, signalsOf, pair, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test("the wrong account is signalled at the login, and no message that it receives is handed on", async () => {
  await using system = await connectToSandbox({ mustDiscard: (isLinked) => isLinked });
  const { sandbox, signalsOf, received } = system;
  const wrongPhone = await system.pair("15550100341");
  await eventually(() => signalsOf("opened").length > 0);
  const { id } = await sandbox.account("15550100342").sendText(wrongPhone.phoneNumber, "Not for the channel");
  expect(id).not.toBe("");
  const [device] = wrongPhone.devices();
  await eventually(() => device && wrongPhone.devices().every(({ queued }) => queued === 0));
  expect(received).toEqual([]);
  // Not once more when Baileys has completed the login.
  expect(signalsOf("opened")).toHaveLength(1);
});

test("a device is unlinked when WhatsApp says so, and only then", async () => {
  let mustUnlink = false;
  await using system = await connectToSandbox({ mustUnlink: () => mustUnlink });
  const { sandbox, connection, signalsOf } = system;
  const phone = await system.pair("15550100344");
  await eventually(() => signalsOf("opened").length === 1);
  mustUnlink = true;
  sandbox.faults.refuseQuery("md", 500);
  connection.unlink();
  await eventually(() => signalsOf("closed").length === 2);
  expect(signalsOf("closed")[1]).toMatchObject({ reason: { kind: "unlink_unconfirmed" } });
  expect([signalsOf("unlinked"), phone.devices().length]).toEqual([[], 1]);
  connection.open();
  // At the login: nothing else has to succeed first.
  sandbox.faults.ignoreQuery("encrypt", { times: 100 });
  await eventually(() => signalsOf("opened").length === 2);
  connection.unlink();
  // The answer, or the end of the stream that follows it at once.
  const isConfirmed = () => signalsOf("unlinked").length === 1 || signalsOf("closed").length === 3;
  await eventually(isConfirmed);
  expect(signalsOf("closed")[2] ?? { reason: { kind: "unlinked" } }).toMatchObject({
    reason: { kind: "unlinked" },
  });
  expect(phone.devices()).toEqual([]);
});

test("no frame leaves before the step that opens the socket is stored: a newer owner may refuse it", async () => {
  await using system = await connectToSandbox();
  const saved = Promise.withResolvers<void>();
  system.connection.open(saved.promise);
  await delay(500);
  expect(system.signalsOf("qr")).toEqual([]);
  saved.resolve();
  await eventually(() => system.signalsOf("qr").length > 0);
});

test("a socket is prepared for `open`, which takes it over; no frame leaves before that, nor before the step is stored", async () => {
  await using system = await connectToSandbox();
  const { sandbox, connection, signalsOf } = system;
  const hangUp = connection.prepare();
  await eventually(() => sandbox.ledger.sockets().length === 1);
  const saved = Promise.withResolvers<void>();
  await delay(200);
  connection.open(saved.promise);
  hangUp();
  await delay(200);
  expect(signalsOf("qr")).toEqual([]);
  saved.resolve();
  await eventually(() => signalsOf("qr").length > 0);
  expect(sandbox.ledger.sockets()).toHaveLength(1);
});

test("`open` takes over what was prepared before it has dialled", async () => {
  await using system = await connectToSandbox();
  const { sandbox, connection, signalsOf } = system;
  connection.prepare();
  connection.open();
  await eventually(() => signalsOf("qr").length > 0);
  expect(sandbox.ledger.sockets()).toHaveLength(1);
});

test("a prepared socket that nobody takes over ends without a signal, and `open` dials anew", async () => {
  await using system = await connectToSandbox();
  const { sandbox, connection, signalsOf } = system;
  const ended = () => sandbox.ledger.sockets().filter(({ endedAt }) => endedAt !== null);
  const hangUp = connection.prepare();
  await eventually(() => sandbox.ledger.sockets().length === 1);
  hangUp();
  await eventually(() => ended().length === 1);
  connection.open();
  await eventually(() => signalsOf("qr").length > 0);
  expect([sandbox.ledger.sockets().length, ended().length, signalsOf("closed")]).toEqual([2, 1, []]);
});

test("a prepared socket that is closed waits for no frames", async () => {
  await using system = await connectToSandbox();
  const { sandbox, connection } = system;
  connection.prepare();
  await eventually(() => sandbox.ledger.sockets().length === 1);
  const politeMs = 3_000;
  const closed = connection.close().then(() => true);
  expect(await Promise.race([closed, delay(politeMs / 2).then(() => false)])).toBe(true);
});

test("`open` dials anew when WhatsApp has ended the prepared socket", async () => {
  await using system = await connectToSandbox();
  const { sandbox, connection, signalsOf } = system;
  sandbox.faults.refuseUpgrade({ status: 503, times: 1 });
  connection.prepare();
  await eventually(() => signalsOf("closed").length === 1);
  connection.open();
  await eventually(() => signalsOf("qr").length > 0);
});

test("`terminate` cuts a socket that is still closing", async () => {
  await using system = await connectToSandbox();
  await system.pair("15550100343");
  const { wa } = await eventually(() => system.connection.current());
  // A message that is being handled delays the close, and must not be acknowledged after it.
  const held = Promise.withResolvers<void>();
  void wa.messageMutex.mutex(() => held.promise);
  const closing = system.connection.close();
  expect(wa.ws.isOpen).toBe(true);
  system.connection.terminate();
  expect(wa.ws.isOpen).toBe(false);
  held.resolve();
  await closing;
});
