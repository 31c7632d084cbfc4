import type { Document } from "mongodb";
import { commandStates, commandTable } from "#shared/commands.ts";
import type { Collections } from "#shared/database.ts";
import type { FieldProblem } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import { commandProblems, invalidCommand, type UnadoptedCommand } from "./command-validation.ts";

const adoptedAtOnce = 500;
const pagesMax = 20;
/** More than the API takes in a request: it is refused without being read. */
const documentBytesMax = 1_048_576;

interface Adopted {
  /** Channels that have something new. */
  channelIds: string[];
  /** There may be more: as many were found as are looked for at once. */
  isMore: boolean;
}

type Found = UnadoptedCommand & { $recordId?: unknown; isHuge: boolean };

/**
 * What was never adopted: only adoption and the functions give `attempts`, whatever another service wrote into `state`.
 * Each branch has an index, and what is in order is in neither.
 */
const unadopted: Document = {
  $or: [{ attempts: null, claim: null, doneAt: null }, { state: { $nin: [...commandStates] } }],
};

const isSmall = { $lte: [{ $bsonSize: "$$ROOT" }, documentBytesMax] };
const readFields = ["channelId", "type", "state", "lane", "messageId", "notBefore", "expiresAt", "payload"];
const projection: Document = {
  isHuge: { $not: [isSmall] },
  ...Object.fromEntries(readFields.map((field) => [field, { $cond: [isSmall, `$${field}`, "$$REMOVE"] }])),
};

/** Adopts page by page, and rings for each: what was inserted together does not wait for the next look. */
export async function adoptAll(
  db: Collections,
  sendTtlSeconds: number,
  ring: (channelId: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let page = 0; page < pagesMax && !signal.aborted; page++) {
    const { channelIds, isMore } = await adoptCommands(db, sendTtlSeconds);
    for (const channelId of channelIds) ring(channelId);
    if (!isMore) return;
  }
}

/**
 * Gives a state and an order to documents that other services inserted; what cannot be queued fails with details.
 */
async function adoptCommands(db: Collections, sendTtlSeconds: number): Promise<Adopted> {
  const rows = await db.commands
    .find(unadopted, { projection })
    .limit(adoptedAtOnce)
    .showRecordId(true)
    .toArray();
  // As they were inserted: an index may give them in another order.
  const found = (rows as unknown as Found[]).toSorted((a, b) => recordIdOf(a) - recordIdOf(b));
  const known = await knownChannels(db, found);
  const rung = new Set<string>();
  for (const document of found) {
    const problems = document.isHuge ? [] : problemsOf(document, known);
    const isQueued = !document.isHuge && problems.length === 0;
    await db.commands.updateOne(
      { ...unadopted, _id: document._id as string },
      isQueued ? queued(document, sendTtlSeconds) : document.isHuge ? hugeRefused : refused(problems),
    );
    if (isQueued) rung.add(String(document.channelId));
  }
  return { channelIds: [...rung], isMore: rows.length === adoptedAtOnce };
}

async function knownChannels(db: Collections, found: readonly UnadoptedCommand[]): Promise<Set<string>> {
  const ids = found.map(({ channelId }) => channelId).filter((id) => typeof id === "string");
  return new Set(await db.channels.distinct("_id", { _id: { $in: ids }, deletedAt: null }));
}

function problemsOf(document: UnadoptedCommand, known: ReadonlySet<string>): FieldProblem[] {
  const { state, channelId } = document;
  return [
    ...(state === undefined || state === null || state === "queued"
      ? []
      : [{ field: "state", message: "must be left out" }]),
    ...(known.has(channelId as string) ? [] : [{ field: "channelId", message: "must name a channel" }]),
    ...commandProblems(document),
  ];
}

function queued(document: UnadoptedCommand, sendTtlSeconds: number): Document[] {
  const type = document.type as keyof typeof commandTable;
  const { lane, ttlSeconds } = commandTable[type];
  const lives = { startDate: "$$NOW", unit: "second", amount: ttlSeconds ?? sendTtlSeconds };
  return [
    {
      $set: {
        state: "queued",
        ord: "$$CLUSTER_TIME",
        attempts: 0,
        lane: document.lane ?? lane,
        // From here on whatever is told of it is told under one id.
        ...(type === "message.send" ? { messageId: document.messageId ?? newMessageId() } : {}),
        notBefore: document.notBefore ?? "$$NOW",
        expiresAt: document.expiresAt ?? { $dateAdd: lives },
        createdAt: "$$NOW",
      },
    },
  ];
}

function refused(problems: readonly FieldProblem[]): Document[] {
  return [{ $set: refusal(problems) }];
}

/** What it holds is dropped: with an error beside it, it might not fit into a document any more. */
const hugeRefused: Document[] = [
  {
    $replaceWith: {
      _id: "$_id",
      ...refusal([{ field: "", message: `must not be larger than ${documentBytesMax} bytes` }]),
    },
  },
];

function refusal(problems: readonly FieldProblem[]): Document {
  return { state: "failed", attempts: 0, error: { $literal: invalidCommand(problems) }, doneAt: "$$NOW" };
}

function recordIdOf({ $recordId }: Found): number {
  return Number($recordId ?? 0);
}
