import type { Document } from "mongodb";
import { commandStates, commandTable } from "#shared/commands.ts";
import type { Collections } from "#shared/database.ts";
import type { FieldProblem } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import { commandProblems, invalidCommand, type UnadoptedCommand } from "./command-validation.ts";

const adoptedAtOnce = 500;
const pagesMax = 20;
/** The largest request that the API accepts. A larger document is refused unread. */
const documentBytesMax = 1_048_576;

interface Adopted {
  /** Channels with new commands. */
  channelIds: string[];
  /** The page was full, so there may be more. */
  isMore: boolean;
}

type Found = UnadoptedCommand & { $recordId?: unknown; isHuge: boolean };

/**
 * Matches documents that were never adopted: only adoption and the functions set `attempts`, whatever another service wrote
 * into `state`. Each branch has an index that holds no adopted command.
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

/** Adopts page by page and rings after each page, so that commands inserted together need not wait for the next sweep. */
export async function adoptForeignCommands(
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

/** Queues documents that other services inserted, in insertion order; fails invalid ones with details. */
async function adoptCommands(db: Collections, sendTtlSeconds: number): Promise<Adopted> {
  const rows = await db.commands
    .find(unadopted, { projection })
    .limit(adoptedAtOnce)
    .showRecordId(true)
    .toArray();
  // Restores insertion order, which an index may not follow.
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
  const lifetime = { startDate: "$$NOW", unit: "second", amount: ttlSeconds ?? sendTtlSeconds };
  return [
    {
      $set: {
        state: "queued",
        ord: "$$CLUSTER_TIME",
        attempts: 0,
        lane: document.lane ?? lane,
        // Fixes the id under which everything about this message is published.
        ...(type === "message.send" ? { messageId: document.messageId ?? newMessageId() } : {}),
        notBefore: document.notBefore ?? "$$NOW",
        expiresAt: document.expiresAt ?? { $dateAdd: lifetime },
        createdAt: "$$NOW",
      },
    },
  ];
}

function refused(problems: readonly FieldProblem[]): Document[] {
  return [{ $set: refusal(problems) }];
}

/** Drops the content: together with the error it might exceed the size limit of a document. */
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
