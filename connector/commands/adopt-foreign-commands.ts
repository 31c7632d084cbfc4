import type { Document } from "mongodb";
import { commandStates, commandTable } from "#shared/commands.ts";
import type { Collections } from "#shared/database.ts";
import type { FieldProblem } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import { commandProblems, type UnadoptedCommand } from "./command-validation.ts";
import { type ForeignCommand, findForeignCommands } from "./foreign-commands.ts";
import { refuseCommands } from "./refuse-commands.ts";

const adoptedAtOnce = 500;
const pagesMax = 20;
const channelIdLengthMax = 100;

interface Adopted {
  /** Channels with new commands. */
  channelIds: string[];
  /** There may be more. */
  isMore: boolean;
}

/**
 * Matches documents that were never adopted: only adoption and the functions set `attempts`, whatever another service wrote
 * into `state`. Each branch has an index that holds no adopted command.
 */
const unadopted: Document = {
  $or: [
    { attempts: null, claim: null, doneAt: null },
    { attempts: null, state: { $in: ["queued", "running"] } },
    { state: { $nin: [...commandStates] } },
  ],
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
  const { found, isMore } = await findForeignCommands(db.commands, unadopted, adoptedAtOnce);
  if (found.length === 0) return { channelIds: [], isMore };
  const known = await knownChannels(db, found);
  const judged = found.map((one) => ({
    ...one,
    problems: one.problems.length > 0 ? one.problems : problemsOf(one.command, known),
    isDropped: one.problems.length > 0,
  }));
  const refused = judged.filter(({ problems }) => problems.length > 0);
  await refuseCommands(db.commands, unadopted, refused);
  const rung = new Set<string>();
  for (const { _id, command, problems } of judged) {
    if (problems.length > 0 || _id === null) continue;
    await db.commands.updateOne({ ...unadopted, _id }, queued(command, sendTtlSeconds));
    rung.add(String(command.channelId));
  }
  return { channelIds: [...rung], isMore };
}

async function knownChannels(db: Collections, found: readonly ForeignCommand[]): Promise<Set<string>> {
  const ids = found.map(({ command }) => command.channelId).filter(isChannelId);
  return new Set(await db.channels.distinct("_id", { _id: { $in: ids }, deletedAt: null }));
}

/** Longer ones would only make the query large. */
function isChannelId(value: unknown): value is string {
  return typeof value === "string" && value.length <= channelIdLengthMax;
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

/** Only the owner sets them; from another service they would make the queue skip or misjudge the command. */
const ownFields = [
  "claim",
  "claimableFrom",
  "relayStartedAt",
  "relayedBy",
  "resentAt",
  "result",
  "error",
  "doneAt",
];

function queued(document: UnadoptedCommand, sendTtlSeconds: number): Document[] {
  const type = document.type as keyof typeof commandTable;
  const { lane, ttlSeconds } = commandTable[type];
  const notBefore = document.notBefore ?? "$$NOW";
  // A command planned for tomorrow must not expire today.
  const startDate = { $max: ["$$NOW", notBefore] };
  const lifetime = { startDate, unit: "second", amount: ttlSeconds ?? sendTtlSeconds };
  return [
    {
      $set: {
        state: "queued",
        ord: "$$CLUSTER_TIME",
        attempts: 0,
        lane: document.lane ?? lane,
        // Fixes the id under which everything about this message is published.
        ...(type === "message.send" ? { messageId: document.messageId ?? newMessageId() } : {}),
        notBefore,
        expiresAt: document.expiresAt ?? { $dateAdd: lifetime },
        createdAt: "$$NOW",
        adoptedAt: "$$NOW",
      },
    },
    { $unset: [...ownFields] },
  ];
}
