import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuthState } from "#connector/auth/auth-state.ts";
import { WA_CERT_DETAILS, type WASocket } from "#connector/baileys/baileys.ts";
import { createSocketCaches } from "#connector/baileys/socket-caches.ts";
import { NoCopyError } from "#connector/baileys/wire-trace.ts";
import { type ChannelSocket, openSocket } from "#connector/connection/socket.ts";
import { relay } from "#connector/outbound/relay.ts";
import { defaultTimings } from "#connector/timings.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open } from "../auth/auth.fixture.ts";
import { type Conditions, sendingSocketTestsuite } from "./sending-socket.testsuite.ts";

const phoneNumber = "15550100341";
const contactNumber = "15550100342";
const unregisteredNumber = "15550100349";
const numberWithoutDevices = "15550100348";

let sandbox: Sandbox;
let database: TestDatabase;
let auth: AuthState;
let socket: ChannelSocket;
let failure: Conditions["failure"] = null;

beforeAll(async () => {
  sandbox = await startSandbox();
  sandbox.notOnWhatsApp(unregisteredNumber);
  database = await testDatabase();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(sandbox.rootKey, "hex");
  auth = await open(database.db, { server: "sandbox" });
  await auth.create();
  const pairing = connect();
  await sandbox.account(phoneNumber).scan(await eventually(() => pairing.qrs[0]));
  await eventually(() => pairing.isClosed);
  const linked = connect();
  await eventually(() => linked.isOpen);
  failRelays(socket.wa);
});

afterAll(async () => {
  socket.terminate();
  await auth.close();
  await sandbox[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Opens a socket with the one identity of this file. */
function connect() {
  const state = { qrs: [] as string[], isOpen: false, isClosed: false };
  socket = openSocket({
    saved: Promise.resolve(),
    auth,
    websocketUrl: sandbox.websocketUrl,
    version: null,
    caches: createSocketCaches(),
    getMessage: async () => undefined,
    timings: defaultTimings,
    log: quiet,
    listener: {
      qr: (text) => state.qrs.push(text),
      paired: () => undefined,
      loggedIn: () => undefined,
      opened() {
        state.isOpen = true;
      },
      closed() {
        state.isClosed = true;
      },
      passkeyRequired: () => undefined,
      stalled: () => undefined,
      allPublished: async () => undefined,
      received: async () => undefined,
      updated: () => undefined,
      chats: () => undefined,
    },
  });
  return state;
}

/**
 * Baileys relays in a transaction on its keys, under the JID of the account. The next one fails before anything is
 * encrypted, or once everything is written.
 */
function failRelays({ authState: { keys }, user }: WASocket): void {
  const { transaction } = keys;
  keys.transaction = async (work, key) => {
    const failing = key === user?.id ? failure : null;
    if (failing !== null) failure = null;
    if (failing === "before the wire") throw new Error("made up");
    const result = await transaction(work, key);
    if (failing === "after the wire") throw new Error("made up");
    return result;
  };
}

sendingSocketTestsuite(() => ({
  contact: `${contactNumber}@s.whatsapp.net`,
  unregistered: `${unregisteredNumber}@s.whatsapp.net`,
  under(conditions) {
    failure = conditions.failure;
    sandbox.faults.clear();
    if (typeof conditions.ack === "number") sandbox.faults.ackError(phoneNumber, conditions.ack);
    if (conditions.ack === null) {
      sandbox.faults.withholdAcks(phoneNumber, true);
      sandbox.faults.receipts(phoneNumber, "never");
    }
    return socket.wa;
  },
}));

test.each([
  ["a number", () => `${numberWithoutDevices}@s.whatsapp.net`],
  ["a LID", () => sandbox.account(numberWithoutDevices).lid],
])("a stanza without a copy for %s does not leave, and the next send does", async (_, jidOf) => {
  failure = null;
  sandbox.faults.clear();
  sandbox.withoutDevices(numberWithoutDevices, true);
  const send = async (messageId: string, jid: string) => {
    const message = { conversation: "Hello" };
    const open = { wa: socket.wa, gone: new AbortController().signal };
    const prepared = { to: jid, jid, type: "text" as const, message };
    return relay(open, messageId, prepared, { ackMs: 5_000, onAck: () => undefined });
  };
  const kept = await send("3EB0C0", jidOf());
  expect(await kept.written).toEqual({ isOnWire: false, error: expect.any(NoCopyError) });
  expect(await kept.outcome).toBeNull();
  const next = await send("3EB0C1", `${contactNumber}@s.whatsapp.net`);
  expect(await next.outcome).toEqual({ kind: "sent" });
  expect(sandbox.account(phoneNumber).inbox.some(({ id }) => id === "3EB0C0")).toBe(false);
});
