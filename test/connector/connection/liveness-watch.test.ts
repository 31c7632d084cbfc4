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
import { createParties } from "#connector/messages/parties.ts";
import { defaultTimings, type Timings } from "#connector/timings.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open } from "../auth/auth.fixture.ts";
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

interface SocketEvents {
  qrs: string[];
  opens: number;
  received: number;
  stalled: StageName[];
  ends: string[];
  /** Replaced by tests whose log does not keep up. */
  allPublished: () => Promise<void>;
}

/** A socket with the credentials of this file, and its events. */
function connect(timings: Partial<Timings>): SocketEvents {
  const events: SocketEvents = {
    ...{ qrs: [], opens: 0, received: 0, stalled: [], ends: [] },
    allPublished: async () => undefined,
  };
  socket = openSocket({
    saved: Promise.resolve(),
    auth,
    websocketUrl: sandbox.websocketUrl,
    version: null,
    caches: createSocketCaches(),
    getMessage: async () => undefined,
    timings: { ...defaultTimings, ...timings },
    log: quiet,
    listener: {
      qr: (text) => events.qrs.push(text),
      paired: () => undefined,
      loggedIn: () => undefined,
      opened: () => void events.opens++,
      closed: ({ message }) => events.ends.push(message),
      passkeyRequired: () => undefined,
      stalled: (stage) => events.stalled.push(stage),
      allPublished: () => events.allPublished(),
      received: async () => void events.received++,
      updated: () => undefined,
      chats: () => undefined,
    },
  });
  return events;
}

/** Probes often, with short deadlines. */
const impatient = { probeQuietMs: 200, probeMs: 20_000, stuckMs: 1_000 };

async function opened(timings: Partial<Timings> = impatient) {
  const events = connect(timings);
  await eventually(() => events.opens === 1);
  if (!socket) throw new Error("no socket");
  return { events, wa: socket.wa };
}

async function waitForPings(times: number): Promise<void> {
  const before = sandbox.counts.stanzas.iq ?? 0;
  await eventually(() => (sandbox.counts.stanzas.iq ?? 0) >= before + times);
}

const never = () => new Promise<never>(() => undefined);

test("a message that is never done ends the socket, although WhatsApp answers every ping", async () => {
  const { events, wa } = await opened();
  // Waits out everything else under way, which the message would block and the probe would find instead.
  await waitForPings(5);
  void wa.messageMutex.mutex(never);
  await eventually(() => events.ends.length === 1);
  expect([events.stalled, events.ends]).toEqual([["messages"], ["stalled: messages"]]);
});

test("a key transaction that never ends ends the socket", async () => {
  const { events, wa } = await opened();
  const held = Promise.withResolvers<void>();
  wa.authState.keys.transaction(() => held.promise, "held").catch(() => undefined);
  await eventually(() => events.ends.length === 1);
  expect(events.stalled).toEqual(["keys"]);
  held.resolve();
});

test("a log that writes nothing ends the socket", async () => {
  const { events } = await opened();
  events.allPublished = never;
  await eventually(() => events.ends.length === 1);
  expect(events.stalled).toEqual(["log"]);
});

test("a log that is slow but making progress on a long receipt is not stalled", async () => {
  const stalled: StageName[] = [];
  let written = 0;
  const inbox = createInbox(sessionScope(), {
    events: { publish: async () => undefined, has: async () => new Set() },
    messageStore: {
      seen: async () => undefined,
      changed: async () => undefined,
      own: async (ids) => new Map(ids.map((id) => [id, { chats: [] }])),
    },
    parties: { ...createParties(null), isOneOf: async () => true },
    messageStatuses: { update: () => delay(60).then(() => void written++) },
    ownJid: () => "",
  });
  const wa = {
    ws: new EventEmitter().on("CB:receipt", (receipt) => expect(() => receipt.content).toThrow()),
    authState: { keys: { transaction: async () => undefined } },
    messageMutex: { mutex: async () => undefined },
    query: async () => ({}),
    waitForMessage: async () => undefined,
  };
  const liveness = watchLiveness({
    wa: wa as unknown as WASocket,
    listener: { received: inbox.received, updated: inbox.updated, allPublished: inbox.idle },
    timings: { probeQuietMs: 100, probeMs: 20_000, stuckMs: 100 },
    waitingBytes: () => 0,
    onStalled: (stage) => stalled.push(stage),
  });
  liveness.start();
  const update = { key: { fromMe: true, id: "3EB0AA" }, update: { status: 3 } };
  liveness.intake.updated(Array.from({ length: 1_000 }, () => update));
  await inbox.idle();
  liveness.stop();
  expect([written, stalled]).toEqual([1_000, []]);
});

test("a slow message is not stalled while others make progress", async () => {
  const { events, wa } = await opened({ ...impatient, stuckMs: 700 });
  const contact = sandbox.account("15550100333");
  for (let sent = 0; sent < 4; sent++) {
    const slow = wa.messageMutex.mutex(() => new Promise((resolve) => setTimeout(resolve, 500)));
    await contact.sendText(phoneNumber, `Message ${sent}`);
    await slow;
    await eventually(() => events.received > sent);
  }
  expect([events.stalled, events.ends]).toEqual([[], []]);
});

test("probing a quiet socket sends only pings, and hands nothing over", async () => {
  const { events } = await opened();
  await waitForPings(5);
  const { stanzas: before } = sandbox.counts.snapshot();
  const { received } = events;
  await waitForPings(5);
  const { stanzas } = sandbox.counts.snapshot();
  expect({ ...stanzas, iq: 0 }).toEqual({ ...before, iq: 0 });
  expect([events.received, events.stalled, events.ends]).toEqual([received, [], []]);
});

test("a stalled stanza queue ends the socket, even while the message mutex is free", async () => {
  const { events, wa } = await opened();
  // The queue waits for this lookup before it handles the message.
  wa.signalRepository.lidMapping.getPNForLID = never;
  await sandbox.account("15550100332").sendText(phoneNumber, "First", { addressing: "pn" });
  await eventually(() => events.ends.length === 1);
  expect(events.stalled).toEqual(["messages"]);
});

test("a query ends with its socket, long before its deadline", async () => {
  const { wa } = await opened();
  sandbox.faults.ignoreQuery("w:stats");
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "w:stats" };
  const outcomes: string[] = [];
  const query = wa.query({ tag: "iq", attrs, content: [{ tag: "add", attrs: {} }] }, 600_000);
  query.then(
    () => outcomes.push("answered"),
    () => outcomes.push("rejected"),
  );
  socket?.terminate();
  await eventually(() => outcomes.length === 1);
  expect(outcomes).toEqual(["rejected"]);
});
