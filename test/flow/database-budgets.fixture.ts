import type { Binary, ChangeStreamDocument, Db, Document } from "mongodb";
import type { CommandTap, TappedCommand } from "../support/command-tap.ts";
import { eventually } from "../support/eventually.ts";

/** The cost of a piece of work to the database. `getMore` waits for what others write, and is not counted. */
export interface Spent {
  commands: number;
  /** Commands that write and wait for a majority. */
  durableWrites: number;
  /** Documents in write commands. */
  rows: number;
  /** Bytes of the write commands. */
  bytes: number;
}

/**
 * What each may spend at most. What is sent or received at the same moment shares commands, so those budgets have more
 * room: how much is shared depends on the machine, and on a slow one callers that wait look for their results besides. Lower a
 * budget when a change spends less.
 */
export const budgets = {
  "a send alone": { commands: 8, durableWrites: 7, rows: 14, bytes: 10_000 },
  "a send with 19 others in flight": { commands: 3.5, durableWrites: 2.2, rows: 10, bytes: 6_300 },
  "a message received alone": { commands: 4, durableWrites: 4, rows: 6.5, bytes: 5_000 },
  "a message received in a flood": { commands: 0.5, durableWrites: 0.5, rows: 4.5, bytes: 3_500 },
  "a receipt": { commands: 2, durableWrites: 2, rows: 3.5, bytes: 1_700 },
  "a takeover": { commands: 8, durableWrites: 4, rows: 10, bytes: 3_000 },
} satisfies Record<string, Spent>;

/** Sums up what the product asked for; a test's own client has another name. */
export function spent(commands: readonly TappedCommand[]): Spent {
  const own = commands.filter(({ app, name }) => app?.startsWith("waypost") && name !== "getMore");
  const writes = own.filter(({ rows }) => rows > 0);
  return {
    commands: own.length,
    durableWrites: own.filter(({ isDurable }) => isDurable).length,
    rows: sum(writes, ({ rows }) => rows),
    bytes: sum(writes, ({ bytes }) => bytes),
  };
}

const sum = (commands: readonly TappedCommand[], value: (one: TappedCommand) => number): number =>
  commands.reduce((total, one) => total + value(one), 0);

const kinds = ["commands", "durableWrites", "rows", "bytes"] as const;

/** Applies `combine` to each kind of figure. */
export function combined(all: readonly Spent[], combine: (values: number[]) => number): Spent {
  const [commands = 0, durableWrites = 0, rows = 0, bytes = 0] = kinds.map((kind) =>
    combine(all.map((one) => one[kind])),
  );
  return { commands, durableWrites, rows, bytes };
}

/** The kinds of figure that exceed their budget. */
export const exceeded = (measured: Spent, budget: Spent): string[] =>
  kinds.filter((kind) => measured[kind] > budget[kind]);

/** How often each command went to each collection, for the message of a failure. */
export function describe(commands: readonly TappedCommand[], measured: Spent): string {
  const counts = new Map<string, number>();
  for (const { app, name, collection } of commands) {
    const label = `${app?.replace("waypost-", "") ?? "test"}: ${name} ${collection}`;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const lines = [...counts].toSorted(([, a], [, b]) => b - a).map(([label, count]) => `${count} × ${label}`);
  return [`measured ${JSON.stringify(measured)}; in all:`, ...lines].join("\n");
}

/** Waits until the product has asked for nothing for more than a second. */
export async function quiet(tap: CommandTap): Promise<void> {
  let last = -1;
  await eventually(
    () => {
      const now = spent(tap.commands).commands;
      const isQuiet = now === last;
      last = now;
      return isQuiet;
    },
    { everyMs: 1_200 },
  );
}

/** Counts what an auth state wrote. */
export interface AuthWrites {
  /** Sealed bytes of rows and credentials. */
  bytes: number;
  /** Rows by type, with the credentials as `creds`; deletions are not counted. */
  rows: Record<string, number>;
  /** Bulk writes and transactions: each raises the number in the fence by one. */
  commits: number;
}

/** Counts what auth states write to this database, until it is disposed of. */
export function watchAuth(db: Db): AsyncDisposable & { written: AuthWrites; reset(): void } {
  const changes = db.watch([{ $match: { "ns.coll": /^whatsapp_auth/ } }]);
  const none = (): AuthWrites => ({ bytes: 0, rows: {}, commits: 0 });
  const watch = {
    written: none(),
    reset() {
      watch.written = none();
    },
    [Symbol.asyncDispose]: () => changes.close(),
  };
  changes.on("change", (change) => count(change, watch.written));
  return watch;
}

function count(change: ChangeStreamDocument, written: AuthWrites): void {
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
