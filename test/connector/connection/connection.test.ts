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

/** A line to a sandbox of its own, and what it tells. */
async function lineTo(overrides: { isStranger?(isLinked: boolean): boolean } = {}) {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await startSandbox());
  const database = owned.use(await testDatabase());
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(sandbox.rootKey, "hex");
  const auth = owned.use(await open(database.db, { server: "sandbox" }));
  const signals: Signal[] = [];
  const received: unknown[] = [];
  const of = (type: Signal["type"]) => signals.filter((signal) => signal.type === type);
  const scope = sessionScope({
    fail(error) {
      throw error;
    },
  });
  const line = createConnection(scope, {
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
    isWrongAccount: () => overrides.isStranger?.(auth.linked()) ?? false,
    signal: (signal) => void signals.push(signal),
  });
  owned.defer(() => line.terminate());
  /** Scans the QR; resolves when the socket that paired has closed, and another is being opened. */
  const pair = async (phoneNumber: string) => {
    line.open();
    const [shown] = await eventually(() => (of("qr").length > 0 ? of("qr") : null));
    const phone = sandbox.account(phoneNumber);
    await phone.scan(shown?.type === "qr" ? shown.code.text : "");
    await eventually(() => of("closed").length > 0);
    line.open();
    return phone;
  };
  const kept = owned.move();
  return { sandbox, line, received, of, pair, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test("a stranger's account is told of before it is open, and nothing that it receives is handed on", async () => {
  await using system = await lineTo({ isStranger: (isLinked) => isLinked });
  const { sandbox, of, received } = system;
  const stranger = await system.pair("15550100341");
  // Twice: at the login, and when Baileys is done with it.
  await eventually(() => of("opened").length === 2);
  const { id } = await sandbox.account("15550100342").sendText(stranger.phoneNumber, "For the stranger only");
  expect(id).not.toBe("");
  const [device] = stranger.devices();
  await eventually(() => device && stranger.devices().every(({ queued }) => queued === 0));
  expect(received).toEqual([]);
});

test("a connection that is saying goodbye is cut with everything else", async () => {
  await using system = await lineTo();
  await system.pair("15550100343");
  const { wa } = await eventually(() => system.line.current());
  // What is being taken in holds the goodbye up, and must not be answered for any more.
  const held = Promise.withResolvers<void>();
  void wa.messageMutex.mutex(() => held.promise);
  const closing = system.line.close();
  expect(wa.ws.isOpen).toBe(true);
  system.line.terminate();
  expect(wa.ws.isOpen).toBe(false);
  held.resolve();
  await closing;
});
