import type { Binary, ChangeStream, ChangeStreamDocument, Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100071";
const contact = "15550100072";
const times = 20;

/** Counts what an auth state wrote. */
interface Writes {
  /** Sealed bytes of rows and credentials. */
  bytes: number;
  /** Rows by type, with the credentials as `creds`; deletions are not counted. */
  rows: Record<string, number>;
  /** Bulk writes and transactions: each raises the number in the fence by one. */
  commits: number;
}

let system: OneProcess;
let channel: TestChannel;
let changes: ChangeStream;
let written: Writes;

beforeAll(async () => {
  system = await startSystem();
  changes = system.database.db.watch([{ $match: { "ns.coll": /^whatsapp_auth/ } }]);
  changes.on("change", count);
  reset();
});

afterAll(async () => {
  await changes.close();
  await system[Symbol.asyncDispose]();
});

function reset(): void {
  written = { bytes: 0, rows: {}, commits: 0 };
}

function count(change: ChangeStreamDocument): void {
  const row: Document | undefined =
    change.operationType === "insert"
      ? change.fullDocument
      : change.operationType === "update"
        ? change.updateDescription.updatedFields
        : undefined;
  if (!row || !("documentKey" in change) || isDeletion(change)) return;
  const [, type = "creds"] = String(change.documentKey._id).split("/");
  if (type === "fence") written.commits++;
  else {
    const sealed: Binary | undefined = row.keyData ?? row.creds ?? row.wrapped;
    written.bytes += sealed?.length() ?? 0;
    written.rows[type] = (written.rows[type] ?? 0) + 1;
  }
}

/** A deleted row loses its value first. */
function isDeletion(change: ChangeStreamDocument): boolean {
  return (
    change.operationType === "update" && Boolean(change.updateDescription.removedFields?.includes("keyData"))
  );
}

/** Runs `work` and counts its writes until no more follow. */
async function writesOf(work: () => Promise<unknown>): Promise<Writes> {
  reset();
  await work();
  let last = -1;
  await eventually(
    () => {
      const isQuiet = last === written.commits;
      last = written.commits;
      return isQuiet;
    },
    { everyMs: 1_200 },
  );
  return written;
}

const send = () =>
  system.api().post(`/channels/${channel.channelId}/send`, { to: contact, message: "Hello" });

test("a pairing writes each key once and the credentials a few times", async () => {
  const { rows, bytes, commits } = await writesOf(async () => {
    channel = await pairedChannel(system, phoneNumber);
  });
  expect(rows["pre-key"]).toBe(5);
  expect(rows.session).toBeLessThanOrEqual(2);
  expect(commits).toBeLessThanOrEqual(15);
  expect(bytes).toBeLessThan(24_000);
}, 120_000);

test("a text to a known contact writes at most two ratchets and 3.5 KB, usually in one commit", async () => {
  await send();
  const { rows, bytes, commits } = await writesOf(async () => {
    for (let sent = 0; sent < times; sent++) expect((await send()).status).toBe(200);
  });
  expect(rows.session).toBeLessThanOrEqual(2 * times);
  expect(commits).toBeLessThanOrEqual(times * 1.5);
  expect(bytes / times).toBeLessThan(3_584);
}, 120_000);

test("an incoming text writes its ratchet and its journal row, at most 1.5 KB", async () => {
  const person = system.sandbox.account(contact);
  const published = () => system.collections.events.countDocuments({ type: "incoming_message" });
  await writesOf(async () => {
    await person.sendText(phoneNumber, "first");
    await eventually(async () => (await published()) === 1);
  });
  const { rows, bytes } = await writesOf(async () => {
    for (let sent = 0; sent < times; sent++) await person.sendText(phoneNumber, `text ${sent}`);
    await eventually(async () => (await published()) === times + 1);
  });
  expect(rows).toEqual({ session: times, inbound: times });
  expect(bytes / times).toBeLessThan(1_536);
}, 120_000);

test("a connected channel without traffic writes nothing", async () => {
  expect((await writesOf(async () => undefined)).commits).toBe(0);
}, 120_000);
