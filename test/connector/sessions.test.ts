import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { WA_CERT_DETAILS } from "#connector/baileys/baileys.ts";
import type { Openers } from "#connector/ownership/membership.ts";
import { release } from "#connector/ownership/ownership.ts";
import { countPairingRequest } from "#connector/session/pairing-limit.ts";
import { Sessions, type SessionsOptions } from "#connector/sessions.ts";
import { defaultTimings } from "#connector/timings.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { ShownPairing } from "#shared/changes.ts";
import type { CommandType } from "#shared/commands.ts";
import { collections } from "#shared/database.ts";
import { countedCommands } from "../support/counted-commands.ts";
import { channelDocument, commandDocument } from "../support/documents.ts";
import { eventually } from "../support/eventually.ts";
import { quiet } from "../support/quiet-log.ts";
import { fileDatabase } from "./connector.fixture.ts";
import { hookedCollections } from "./faulty-collections.fixture.ts";

const file = fileDatabase();

/** The sessions of a connector whose lease never ends, and the channels they rang. */
function openSessions(
  openers: ReadonlyMap<string, Openers> = new Map(),
  id = randomUUID(),
  turn: () => Promise<void> = async () => undefined,
  {
    server = null,
    ...others
  }: Partial<Pick<SessionsOptions, "changes" | "db" | "collections">> & {
    server?: SessionsOptions["config"]["whatsapp"]["server"];
  } = {},
) {
  const left: string[] = [];
  const ended = new AbortController();
  const nothing = async () => undefined;
  const rung: string[] = [];
  const formerOwners: (string | null)[] = [];
  const sessions = new Sessions({
    db: file.database.db,
    collections: file.all,
    channelsMax: 10,
    membership: { openers: async () => new Map([...openers]), ids: () => [] },
    leave: (channelId) => void left.push(channelId),
    lease: {
      ...{ id, predecessors: new Set<string>(), ended: ended.signal, now: Date.now },
      ...{ isValid: () => true, isFresh: () => true, renew: nothing, drain: nothing, release: nothing },
    },
    config: {
      ...{ encryptionKeys: [randomBytes(32)], sendRate: 0, sendBurst: 1 },
      whatsapp: { server, version: null },
    },
    timings: defaultTimings,
    fetchMedia: () => Promise.reject(new Error("no media here")),
    turns: {
      of(formerOwner) {
        formerOwners.push(formerOwner);
        return turn;
      },
    },
    ring: (channelId) => void rung.push(channelId),
    log: quiet,
    ...others,
  });
  return { sessions, rung, left, formerOwners };
}

/** A channel that had an owner before. */
const freeChannel = () => channelDocument({ owner: { connector: null, epoch: 1 } });

test("a channel whose session failed is taken again after a pause, without waiting for a sweep", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const { _id } = channel;
  const { sessions, rung } = openSessions();
  await sessions.take(_id);
  sessions.get(_id)?.fail(new Error("made up"));
  expect(sessions.channels()).toEqual([]);
  await sessions.take(_id);
  expect([sessions.channels(), rung]).toEqual([[], []]);
  await eventually(() => rung.length > 0);
  expect(rung).toEqual([_id]);
  await sessions.take(_id);
  expect(sessions.channels()).toEqual([_id]);
  sessions.abandon();
});

test("a channel is left to a connector that can open it, and taken when it is overdue and nobody can", async () => {
  const ids = [freeChannel(), freeChannel()];
  await file.all.channels.insertMany(ids);
  const [theirs = "", lost = ""] = ids.map(({ _id }) => _id);
  const openers = new Map([
    [theirs, { us: false, others: true }],
    [lost, { us: false, others: false }],
  ]);
  const { sessions, left } = openSessions(openers);
  for (const channelId of [theirs, lost]) await sessions.take(channelId);
  expect([sessions.channels(), left]).toEqual([[], [theirs, lost]]);
  for (const channelId of [theirs, lost]) await sessions.takeOverdue(channelId);
  expect(sessions.channels()).toEqual([lost]);
  expect((await file.all.channels.findOne({ _id: theirs }))?.owner).toEqual({ connector: null, epoch: 1 });
  sessions.abandon();
});

test("a channel of ours without a session is given back when only another connector can open it", async () => {
  const id = randomUUID();
  const channel = channelDocument({ owner: { connector: id, epoch: 4 } });
  await file.all.channels.insertOne(channel);
  const { sessions } = openSessions(new Map([[channel._id, { us: false, others: true }]]), id);
  await sessions.take(channel._id);
  expect((await file.all.channels.findOne({ _id: channel._id }))?.owner).toEqual({
    ...{ connector: null, epoch: 4, unopenedBy: [id] },
  });
});

test("a channel whose takeover throws is tried again after growing pauses, and then left to another connector", async () => {
  const channel = freeChannel();
  await file.all.channels.insertOne(channel);
  const { _id } = channel;
  // Poison: what an owner reads of it has a type that nothing expects.
  await file.database.db.collection<{ _id: string }>("whatsapp_auth_creds").insertOne({
    ...{ _id, channelId: _id, epoch: 0, creds: 7 },
  } as { _id: string });
  const openers = new Map([[_id, { us: true, others: true }]]);
  const { sessions, rung } = openSessions(openers);
  const owner = async () => (await file.all.channels.findOne({ _id }))?.owner;
  for (let failures = 1; failures <= 3; failures++) {
    await expect(sessions.take(_id)).rejects.toThrow();
    expect(await owner()).toMatchObject({ epoch: failures + 1 });
    // Too soon: nothing is tried.
    await sessions.take(_id);
    expect(await owner()).toMatchObject({ epoch: failures + 1 });
    if (failures < 3) await eventually(() => rung.length === failures);
  }
  expect(await owner()).toMatchObject({ connector: null, unopenedBy: [expect.any(String)] });
});

test("a stop does not wait for a channel whose takeover fails again and again, and no longer tries it", async () => {
  const channel = freeChannel();
  const { _id } = channel;
  await file.all.channels.insertOne(channel);
  const creds = file.database.db.collection<{ _id: string }>("whatsapp_auth_creds");
  await creds.insertOne({ ...{ _id, channelId: _id, epoch: 0, creds: 7 } } as { _id: string });
  const { sessions, rung } = openSessions();
  await expect(sessions.take(_id)).rejects.toThrow();
  await sessions.closeAll(release);
  await eventually(() => rung.length > 0);
  await sessions.take(_id);
  await sessions.takeOverdue(_id);
  expect((await file.all.channels.findOne({ _id }))?.owner.epoch).toBe(2);
});

test("a channel connects in the turn that its former owner gives it", async () => {
  const id = randomUUID();
  const taken = [
    channelDocument({ owner: { connector: id, epoch: 4 } }),
    channelDocument({ owner: { connector: null, epoch: 4 } }),
    channelDocument({ owner: { connector: "dead", epoch: 4 } }),
  ];
  await file.all.channels.insertMany(taken);
  const { sessions, formerOwners } = openSessions(new Map(), id);
  for (const { _id } of taken) await sessions.take(_id);
  expect(formerOwners).toEqual([id, null, "dead"]);
  sessions.abandon();
});

/** Sessions on a sandbox of their own. */
async function sandboxSessions(
  options: Partial<Pick<SessionsOptions, "changes" | "db" | "collections">> = {},
) {
  const sandbox = await startSandbox();
  const { websocketUrl } = sandbox;
  const rootKey = Buffer.from(sandbox.rootKey, "hex");
  WA_CERT_DETAILS.PUBLIC_KEY = rootKey;
  const { sessions } = openSessions(new Map(), randomUUID(), async () => undefined, {
    ...options,
    server: { websocketUrl, rootKey },
  });
  return {
    ...{ sessions, sockets: () => sandbox.ledger.sockets() },
    async [Symbol.asyncDispose]() {
      sessions.abandon();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

test("a session reports the QR that it stores", async () => {
  const shown: ShownPairing[] = [];
  const nothing = () => undefined;
  await using system = await sandboxSessions({
    changes: {
      ...{ commandQueued: nothing, commandClaimed: nothing, commandEnded: nothing, eventsAppended: nothing },
      pairingShown: (one) => void shown.push(one),
    },
  });
  const { _id } = await insertWished();
  await system.sessions.take(_id);
  await eventually(() => shown.length > 0);
  const stored = await file.all.channels.findOne({ _id });
  expect(shown[0]).toMatchObject({ channelId: _id, pairing: stored?.pairing });
});

test("a channel that is taken for a command dials once, while that is claimed", async () => {
  await using system = await sandboxSessions();
  const { _id } = await insertWished({ type: "channel.connect", payload: {} });
  await system.sessions.take(_id);
  await eventually(() => system.sessions.get(_id)?.machine().state === "qr_ready");
  expect(system.sockets()).toHaveLength(1);
});

test("a new channel shows a QR without a read, but for looks whether more commands wait", async () => {
  await using counted = await countedCommands(file.database);
  const { db } = counted;
  await using system = await sandboxSessions({ db, collections: collections(db) });
  const { _id } = await insertWished({ type: "channel.connect", payload: {} });
  await system.sessions.take(_id, true);
  await eventually(() => file.all.events.findOne({ channelId: _id, "data.status": "qr_ready" }));
  await eventually(() => file.all.commands.findOne({ channelId: _id, state: "succeeded" }));
  await system.sessions.get(_id)?.finish();
  const count = (name: string) => counted.names.filter((one) => one === name).length;
  expect([count("find"), count("distinct")]).toEqual([0, 0]);
  expect(count("aggregate")).toBeLessThanOrEqual(2);
  // The owner, the claim and the fence of the keys.
  expect(count("findAndModify")).toBe(3);
});

test("a channel that is taken for new although it had an owner is taken over", async () => {
  const channel = freeChannel();
  await file.all.channels.insertOne(channel);
  const { sessions } = openSessions(new Map([[channel._id, { us: true, others: false }]]));
  await sessions.take(channel._id, true);
  expect((await file.all.channels.findOne({ _id: channel._id }))?.owner.epoch).toBe(2);
  expect(sessions.channels()).toEqual([channel._id]);
  sessions.abandon();
});

test("a session that cannot begin hangs up, and releases its database session", async () => {
  const all = hookedCollections(file.all, {
    async before({ collection }) {
      if (collection === "commands") throw new Error("made up");
    },
  });
  await using system = await sandboxSessions({ collections: all });
  const { _id } = await insertWished({ type: "channel.connect", payload: {} });
  await expect(system.sessions.take(_id)).rejects.toThrow("made up");
  const keys = file.database.db.collection<{ _id: string }>("whatsapp_auth_keys");
  await eventually(async () => {
    const row = await keys.findOne({ _id: `${_id}/fence` });
    return row !== null && !("session" in row);
  });
  expect(system.sockets().filter(({ endedAt }) => endedAt === null)).toEqual([]);
});

test("a channel that is taken for a command which is refused hangs up", async () => {
  await using system = await sandboxSessions();
  const phoneNumber = "15550100342";
  for (let time = 1; time <= 5; time++) await countPairingRequest(file.all, phoneNumber);
  const { _id } = await insertWished({ type: "channel.connect", payload: { phoneNumber } });
  await system.sessions.take(_id);
  await eventually(() => file.all.commands.findOne({ channelId: _id, state: "failed" }));
  expect(system.sessions.get(_id)?.machine().state).toBe("inactive");
  const command = commandDocument(_id, { type: "channel.connect", payload: {}, lane: 0 });
  await file.all.commands.insertOne(command);
  system.sessions.get(_id)?.ring({ commandId: command._id, lane: 0 });
  await eventually(() => system.sessions.get(_id)?.machine().state === "qr_ready");
  expect(system.sockets()).toHaveLength(2);
});

/** Inserts an unlinked channel that is wished to be connected, and a command for it. */
async function insertWished(command?: { type: CommandType; payload: object }) {
  const channel = channelDocument({ wanted: "connected" });
  await file.all.channels.insertOne(channel);
  if (command) await file.all.commands.insertOne(commandDocument(channel._id, { ...command, lane: 0 }));
  return channel;
}

/** Takes an unlinked channel that is wished to be connected, and returns its machine before its control lane has looked. */
async function takeWished(command?: { type: CommandType; payload: object }) {
  const { _id } = await insertWished(command);
  // Nothing here connects.
  const { sessions } = openSessions(new Map(), randomUUID(), () => new Promise(() => undefined));
  await sessions.take(_id);
  return { machine: sessions.get(_id)?.machine(), sessions };
}

test("a channel that is taken for a command to pair by a code shows no QR before the command is claimed", async () => {
  for (const type of ["channel.connect", "channel.request_pairing_code"] as const) {
    const { machine, sessions } = await takeWished({ type, payload: { phoneNumber: "15550100092" } });
    expect(machine).not.toMatchObject({ state: "connecting", method: { kind: "qr" } });
    const [channelId = ""] = sessions.channels();
    const now = () => sessions.get(channelId)?.machine();
    await eventually(() => now()?.state === "connecting");
    expect(now()?.method).toEqual({ kind: "code", phoneNumber: "15550100092" });
    sessions.abandon();
  }
});

test("a channel that is taken for its wish alone, or for a send, shows a QR", async () => {
  for (const command of [undefined, { type: "message.send", payload: {} }] as const) {
    const { machine, sessions } = await takeWished(command);
    expect(machine).toMatchObject({ state: "connecting", method: { kind: "qr" } });
    sessions.abandon();
  }
});
