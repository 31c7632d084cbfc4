import { Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { type CommandType, commandTable, commandTypes } from "#shared/commands.ts";
import type { FieldProblem, PublicError } from "#shared/errors.ts";
import { fieldProblems } from "#shared/validation.ts";
import { idBytesMax, isAddressable } from "./command-address.ts";

/** A command document as another service inserted it; any field may hold anything. */
export type UnadoptedCommand = Partial<Record<keyof CommandDocument, unknown>> & { _id: unknown };

export const idMessage = `must be a string of at most ${idBytesMax} bytes, or left out`;

/** Every problem with what the writer gave, by field. Does not check that the channel exists. */
export function commandProblems(document: UnadoptedCommand): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const check = (field: keyof CommandDocument, isRight: boolean, message: string) => {
    if (!isRight) problems.push({ field, message });
  };
  check("_id", isAddressable(document._id), idMessage);
  const type = commandTypes.find((one) => one === document.type);
  check("type", type !== undefined, `must be one of ${commandTypes.join(", ")}`);
  const lanes = type && commandTable[type].lane === 0 ? [0] : [1, 2];
  check(
    "lane",
    isAbsentOr(document.lane, (lane) => lanes.includes(lane as number)),
    `must be ${lanes.join(" or ")}`,
  );
  check("messageId", isAbsentOr(document.messageId, isMessageId), "must be 8 to 64 characters of A-Z 0-9");
  check("notBefore", isAbsentOr(document.notBefore, isDate), dateMessage);
  check("expiresAt", isAbsentOr(document.expiresAt, isDate), dateMessage);
  return [...problems, ...(type ? payloadProblems(type, document.payload) : [])];
}

/** As `commandProblems`, for a document in state `queued`: it must have the fields that adoption and the functions set. */
export function queuedProblems(document: UnadoptedCommand): FieldProblem[] {
  const given: Array<[keyof CommandDocument, boolean]> = [
    ["attempts", Number.isInteger(document.attempts)],
    ["ord", document.ord instanceof Timestamp],
    ["lane", document.lane !== undefined],
    ["notBefore", document.notBefore !== undefined],
    ["expiresAt", document.expiresAt !== undefined],
  ];
  const isOurs = given.every(([, isPresent]) => isPresent);
  const forged: FieldProblem = { field: "attempts", message: "must be left out, and state and ord with it" };
  const channel: FieldProblem = { field: "channelId", message: "must name a channel" };
  // A query for a channel also finds lists that contain it.
  const isNamed = typeof document.channelId === "string";
  return [...(isOurs ? [] : [forged]), ...(isNamed ? [] : [channel]), ...commandProblems(document)];
}

export function invalidCommand(details: readonly FieldProblem[]): PublicError {
  return { code: "invalid_command", message: "The command document is not valid", details };
}

function payloadProblems(type: CommandType, payload: unknown): FieldProblem[] {
  const { error } = commandTable[type].payload.safeParse(payload);
  if (!error) return [];
  return fieldProblems(error).map(({ field, message }) => ({
    field: ["payload", field].filter(Boolean).join("."),
    message,
  }));
}

function isAbsentOr(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

/** Later years need more than four digits in ISO 8601, and the last date of JavaScript plus a lifetime is no date. */
const dateMessage = "must be a date before the year 10000";
const endOfDates = Date.UTC(10_000, 0);

/** An invalid date is NaN, which is not less than anything. */
function isDate(value: unknown): boolean {
  return value instanceof Date && value.getTime() < endOfDates;
}

/** Whether a value, from a document that another service may have written, can be a message's id. */
export function isMessageId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Z0-9]{8,64}$/.test(value);
}
