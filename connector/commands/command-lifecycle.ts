import type { CommandDocument } from "#shared/collections.ts";
import { type CommandState, commandTable, commandTypes } from "#shared/commands.ts";
import type { PublishedOutcome } from "../events/published-statuses.ts";

/** A step in the life of a command: the states it starts from, and the state it leads to. */
interface Step {
  from: readonly CommandState[];
  to: CommandState;
  /** Whether the stanza must not (`before`), must (`after`) or may (`any`) have been on its way to the wire. */
  wire: "before" | "after" | "any";
}

/**
 * Every step. The queue builds its filters from this table. Together the steps guarantee:
 * - an ended command never changes, except that a receipt completes `unknown`, and a caller may retry `dead` and `expired`;
 * - a stanza goes to the wire at most twice: by `begin` and by `resend`;
 * - a command whose stanza may have been on the wire is never `dead`, `expired` or queued again.
 */
export const commandSteps = {
  claim: { from: ["queued"], to: "running", wire: "before" },
  expire: { from: ["queued"], to: "expired", wire: "before" },
  cancel: { from: ["queued"], to: "cancelled", wire: "before" },
  /** The document is not valid. */
  reject: { from: ["queued"], to: "failed", wire: "before" },
  /** Claimed unsuccessfully too often. */
  exhaust: { from: ["queued"], to: "dead", wire: "before" },
  /** The message is recorded in `messages`, which changes nothing here: from now on the stanza may be on the wire. */
  begin: { from: ["running"], to: "running", wire: "before" },
  /** The stanza certainly never reached the wire: the socket closed or the owner died before. */
  requeue: { from: ["running"], to: "queued", wire: "any" },
  markDead: { from: ["running"], to: "dead", wire: "any" },
  succeed: { from: ["running"], to: "succeeded", wire: "any" },
  fail: { from: ["running"], to: "failed", wire: "any" },
  markUnknown: { from: ["running"], to: "unknown", wire: "any" },
  resend: { from: ["unknown"], to: "unknown", wire: "after" },
  confirm: { from: ["unknown"], to: "succeeded", wire: "after" },
  retry: { from: ["dead", "expired"], to: "queued", wire: "before" },
} as const satisfies Record<string, Step>;

export type CommandStep = keyof typeof commandSteps;

/** No other owner is further ahead than this: a higher epoch in a command is another service's, and means nothing. */
export const epochLeadMax = 1_000_000;

/** How many claims may end without a settlement before a command is `dead`. */
export const claimsMax = 3;

/** A queued command that is due, by its `notBefore` or because it has expired. */
export type DueCommand = CommandDocument & { isExpired: boolean };

/** The step that a due command takes. */
export function dueStep({
  attempts,
  isExpired,
}: Pick<DueCommand, "attempts" | "isExpired">): "claim" | "expire" | "exhaust" {
  if (isExpired) return "expire";
  return attempts >= claimsMax ? "exhaust" : "claim";
}

/**
 * The commands to claim together. A command whose earlier claim ended with its process may have killed that process, so it
 * is claimed alone: its neighbours do not lose an attempt to it.
 */
export function claimableTogether<T extends Pick<CommandDocument, "attempts">>(due: readonly T[]): T[] {
  const suspect = due.findIndex(({ attempts }) => attempts > 0);
  if (suspect === 0) return due.slice(0, 1);
  return suspect < 0 ? [...due] : due.slice(0, suspect);
}

/** The step that an orphan takes. `keep`: it is `unknown` and stays so until a receipt or an answer arrives. */
export type Verdict = "requeue" | "markDead" | "succeed" | "fail" | "markUnknown" | "confirm" | "keep";

/** How far a send got, as far as the database knows. `isRecorded`: its message is in `messages`. */
type Progress = Pick<CommandDocument, "state" | "type" | "relayStartedAt"> & { isRecorded: boolean };

/**
 * The log decides: the former owner may have died between publishing an outcome and settling the command. A send that was
 * claimed for the wire, but not recorded, did not get there.
 */
export function verdictOn(
  { state, type, relayStartedAt, isRecorded }: Progress,
  { hasArrived, refusal, notSent }: PublishedOutcome,
): Verdict {
  if (state === "unknown") return hasArrived ? "confirm" : "keep";
  if (relayStartedAt) {
    if (hasArrived) return "succeed";
    if (refusal) return "fail";
  }
  if (notSent) return notSent.code === "not_sent" ? "markDead" : "fail";
  const mayBeOnWire = relayStartedAt !== undefined && isRecorded;
  return mayBeOnWire || !isRepeatable(type) ? "markUnknown" : "requeue";
}

/** An unknown type, which may be anything that another service wrote, counts as repeatable: it fails when it is claimed. */
function isRepeatable(type: unknown): boolean {
  const known = commandTypes.find((one) => one === type);
  return known === undefined || commandTable[known].isRepeatable;
}
