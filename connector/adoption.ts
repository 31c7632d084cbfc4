import { type Document, ObjectId } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import { type CommandType, commandStates, commandTable, commandTypes } from "../shared/commands.ts";
import type { Collections } from "../shared/database.ts";
import type { FieldProblem, PublicError } from "../shared/errors.ts";
import { fieldProblems } from "../shared/validation.ts";

const adoptedAtOnce = 500;

/** A document as another service may have inserted it: nothing about it is certain. */
type Stray = Partial<Record<keyof CommandDocument, unknown>> & { _id: unknown; $recordId?: unknown };

/**
 * What was never adopted: only adoption and the functions give `attempts`, whatever another service wrote into `state`.
 * Each branch has an index, and what is in order is in neither.
 */
const stray: Document = {
  $or: [{ attempts: null, claim: null, doneAt: null }, { state: { $nin: [...commandStates] } }],
};

/**
 * Gives a state and an order to documents that other services inserted; what cannot be queued fails with details.
 * Returns the channels that have something new.
 */
export async function adoptCommands(db: Collections, sendTtlSeconds: number): Promise<string[]> {
  const rows = await db.commands.find(stray).limit(adoptedAtOnce).showRecordId(true).toArray();
  // As they were inserted: an index may give them in another order.
  const found = (rows as unknown as Stray[]).toSorted((a, b) => recordIdOf(a) - recordIdOf(b));
  const known = await knownChannels(db, found);
  const rung = new Set<string>();
  for (const document of found) {
    const problems = problemsOf(document, known);
    await db.commands.updateOne(
      { ...stray, _id: document._id as string },
      problems.length > 0 ? refused(problems) : queued(document, sendTtlSeconds),
    );
    if (problems.length === 0) rung.add(String(document.channelId));
  }
  return [...rung];
}

async function knownChannels(db: Collections, found: readonly Stray[]): Promise<Set<string>> {
  const ids = found.map(({ channelId }) => channelId).filter((id) => typeof id === "string");
  return new Set(await db.channels.distinct("_id", { _id: { $in: ids }, deletedAt: null }));
}

function problemsOf(document: Stray, known: ReadonlySet<string>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const check = (field: keyof CommandDocument, isRight: boolean, message: string) => {
    if (!isRight) problems.push({ field, message });
  };
  check("_id", isId(document._id), "must be a string, or left out");
  check("state", [undefined, null, "queued"].includes(document.state as undefined), "must be left out");
  check("channelId", known.has(document.channelId as string), "must name a channel");
  const type = commandTypes.find((one) => one === document.type);
  check("type", type !== undefined, `must be one of ${commandTypes.join(", ")}`);
  const lanes = type && commandTable[type].lane === 0 ? [0] : [1, 2];
  check(
    "lane",
    isAbsentOr(document.lane, (lane) => lanes.includes(lane as number)),
    `must be ${lanes.join(" or ")}`,
  );
  check("messageId", isAbsentOr(document.messageId, isMessageId), "must be 8 to 64 characters of A-Z 0-9");
  check("notBefore", isAbsentOr(document.notBefore, isDate), "must be a date");
  check("expiresAt", isAbsentOr(document.expiresAt, isDate), "must be a date");
  return [...problems, ...(type ? payloadProblems(type, document.payload) : [])];
}

function payloadProblems(type: CommandType, payload: unknown): FieldProblem[] {
  const { error } = commandTable[type].payload.safeParse(payload);
  if (!error) return [];
  return fieldProblems(error).map(({ field, message }) => ({
    field: ["payload", field].filter(Boolean).join("."),
    message,
  }));
}

function queued(document: Stray, sendTtlSeconds: number): Document[] {
  const { lane, ttlSeconds } = commandTable[document.type as keyof typeof commandTable];
  const lives = { startDate: "$$NOW", unit: "second", amount: ttlSeconds ?? sendTtlSeconds };
  return [
    {
      $set: {
        state: "queued",
        ord: "$$CLUSTER_TIME",
        attempts: 0,
        lane: document.lane ?? lane,
        notBefore: document.notBefore ?? "$$NOW",
        expiresAt: document.expiresAt ?? { $dateAdd: lives },
        createdAt: "$$NOW",
      },
    },
  ];
}

function refused(details: FieldProblem[]): Document[] {
  const error: PublicError = {
    code: "invalid_command",
    message: "The command document is not valid",
    details,
  };
  return [{ $set: { state: "failed", attempts: 0, error: { $literal: error }, doneAt: "$$NOW" } }];
}

function recordIdOf({ $recordId }: Stray): number {
  return Number($recordId ?? 0);
}

function isAbsentOr(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isDate(value: unknown): boolean {
  return value instanceof Date;
}

function isMessageId(value: unknown): boolean {
  return typeof value === "string" && /^[A-Z0-9]{8,64}$/.test(value);
}

/** A document that was inserted without an `_id` has got an ObjectId from its driver. */
function isId(value: unknown): boolean {
  return typeof value === "string" || value instanceof ObjectId;
}
