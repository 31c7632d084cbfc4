import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { AuthState } from "#connector/auth/auth-state.ts";
import { WA_CERT_DETAILS, type WASocket } from "#connector/baileys/baileys.ts";
import { createSocketCaches } from "#connector/baileys/socket-caches.ts";
import type { StageName } from "#connector/connection/liveness-probe.ts";
import { watchLiveness } from "#connector/connection/liveness-watch.ts";
import { type ChannelSocket, openSocket } from "#connector/connection/socket.ts";
import { createInbox } from "#connector/inbound/inbox.ts";
import { defaultTimings, type Timings } from "#connector/timings.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open } from "../auth/auth.fixture.ts";
import { quiet } from "../connector.fixture.ts";
import { sessionScope } from "../session-scope.fixture.ts";

const phoneNumber = "15550100331";
let sandbox: Sandbox;
let database: TestDatabase;
let auth: AuthState;
let socket: ChannelSocket | undefined;

beforeAll(async () => {
  sandbox = await startSandbox();
  database = await testDatabase();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(sandbox.rootKey, "hex");
  auth = await open(database.db, { server: "sandbox" });
  await auth.create();
  const pairing = connect({});
  const qr = await eventually(() => pairing.qrs[0]);
  await sandbox.account(phoneNumber).scan(qr);
  await eventually(() => pairing.ends.length === 1);
});

afterEach(() => socket?.terminate());

afterAll(async () => {
  await auth.close();
  await sandbox[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Happenings {
  qrs: string[];
  opens: number;
  received: number;
  deaf: StageName[];
  ends: string[];
  /** Whether what was received is in the log. */
  allPublished: () => Promise<void>;
}

/** A socket on the one identity of this file, and what it tells. */
function connect(timings: Partial<Timings>): Happenings {
  const told: Happenings = {
    ...{ qrs: [], opens: 0, received: 0, deaf: [], ends: [] },
    allPublished: async () => undefined,
  };
  socket = openSocket({
    auth,
    websocketUrl: sandbox.websocketUrl,
    version: null,
    caches: createSocketCaches(),
    getMessage: async () => undefined,
    timings: { ...defaultTimings, ...timings },
    log: quiet,
    listener: {
      qr: (text) => told.qrs.push(text),
      loggedIn: () => undefined,
      opened: () => void told.opens++,
      closed: ({ message }) => told.ends.push(message),
      passkeyRequired: () => undefined,
      stalled: (stage) => told.deaf.push(stage),
      allPublished: () => told.allPublished(),
      received: async () => void told.received++,
      updated: () => undefined,
    },
  });
  return told;
}

/** Looks often, and is not patient. */
const impatient = { probeQuietMs: 200, probeMs: 20_000, stuckMs: 400 };

async function opened(timings: Partial<Timings> = impatient) {
  const told = connect(timings);
  await eventually(() => told.opens === 1, { withinMs: 20_000 });
  if (!socket) throw new Error("no socket");
  return { told, wa: socket.wa };
}

async function pinged(times: number): Promise<void> {
  const before = sandbox.counts.stanzas.iq ?? 0;
  await eventually(() => (sandbox.counts.stanzas.iq ?? 0) >= before + times, { withinMs: 20_000 });
}

const never = () => new Promise<never>(() => undefined);

test("a message that never gets done is found, although WhatsApp answers every ping", async () => {
  const { told, wa } = await opened();
  // Nothing is under way any more that would be held up by it, and found instead of it.
  await pinged(10);
  void wa.messageMutex.mutex(never);
  await eventually(() => told.ends.length === 1);
  expect([told.deaf, told.ends]).toEqual([["messages"], ["stalled: messages"]]);
});

test("keys that nobody gives back are found", async () => {
  const { told, wa } = await opened();
  const held = Promise.withResolvers<void>();
  wa.authState.keys.transaction(() => held.promise, "held").catch(() => undefined);
  await eventually(() => told.ends.length === 1);
  expect(told.deaf).toEqual(["keys"]);
  held.resolve();
});

test("a log that takes nothing is found", async () => {
  const { told } = await opened();
  told.allPublished = never;
  await eventually(() => told.ends.length === 1);
  expect(told.deaf).toEqual(["log"]);
});

test("a log that is slow to take a receipt about many messages is waited for while it goes on", async () => {
  const deaf: StageName[] = [];
  let told = 0;
  const inbox = createInbox(sessionScope(), {
    events: { publish: async () => undefined },
    messageStore: { seen: async () => undefined },
    messageStatuses: { update: () => delay(60).then(() => void told++) },
    ownJid: () => "",
  });
  const wa = {
    ws: new EventEmitter().on("CB:receipt", (receipt) => expect(() => receipt.content).toThrow()),
    authState: { keys: { transaction: async () => undefined } },
    messageMutex: { mutex: async () => undefined },
    query: async () => ({}),
    waitForMessage: async () => undefined,
  };
  const path = watchLiveness({
    wa: wa as unknown as WASocket,
    listener: { received: inbox.received, updated: inbox.updated, allPublished: inbox.idle },
    timings: { probeQuietMs: 100, probeMs: 20_000, stuckMs: 100 },
    waitingBytes: () => 0,
    onStalled: (stage) => deaf.push(stage),
  });
  path.start();
  const update = { key: { fromMe: true, id: "3EB0AA" }, update: { status: 3 } };
  path.intake.updated(Array.from({ length: 1_000 }, () => update));
  await inbox.idle();
  path.stop();
  expect([told, deaf]).toEqual([1_000, []]);
});

test("a message that takes long is waited for while others go on", async () => {
  const { told, wa } = await opened({ ...impatient, stuckMs: 700 });
  const contact = sandbox.account("15550100333");
  for (let sent = 0; sent < 4; sent++) {
    const slow = wa.messageMutex.mutex(() => new Promise((resolve) => setTimeout(resolve, 500)));
    await contact.sendText(phoneNumber, `Message ${sent}`);
    await slow;
    await eventually(() => told.received > sent);
  }
  expect([told.deaf, told.ends]).toEqual([[], []]);
});

test("probing a quiet socket puts nothing on the wire but pings, and hands nothing over", async () => {
  const { told } = await opened();
  await pinged(10);
  const { stanzas: before } = sandbox.counts.snapshot();
  const { received } = told;
  await pinged(10);
  const { stanzas } = sandbox.counts.snapshot();
  expect({ ...stanzas, iq: 0 }).toEqual({ ...before, iq: 0 });
  expect([told.received, told.deaf, told.ends]).toEqual([received, [], []]);
});

test("a queue of stanzas that stands still is found, although nothing holds the messages up", async () => {
  const { told, wa } = await opened();
  // The lookup that the queue waits for, before it comes to the message itself.
  wa.signalRepository.lidMapping.getPNForLID = never;
  await sandbox.account("15550100332").sendText(phoneNumber, "First", { addressing: "pn" });
  await eventually(() => told.ends.length === 1);
  expect(told.deaf).toEqual(["messages"]);
});

test("what waits for an answer ends with its socket, long before its time", async () => {
  const { wa } = await opened();
  sandbox.faults.ignoreQuery("w:stats");
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "w:stats" };
  const fates: string[] = [];
  const asked = wa.query({ tag: "iq", attrs, content: [{ tag: "add", attrs: {} }] }, 600_000);
  asked.then(
    () => fates.push("answered"),
    () => fates.push("given up"),
  );
  socket?.terminate();
  await eventually(() => fates.length === 1);
  expect(fates).toEqual(["given up"]);
});
