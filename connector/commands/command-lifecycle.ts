import type { CommandDocument } from "#shared/collections.ts";
import { type CommandState, commandTable } from "#shared/commands.ts";
import type { PublishedOutcome } from "../events/published-statuses.ts";

/** A step in the life of a command: the states it may be taken in, and the state it leads to. */
interface Step {
  from: readonly CommandState[];
  to: CommandState;
  /** Whether the stanza must not, must, or may have been on its way to the wire. */
  wire: "before" | "after" | "any";
}

/**
 * Every step there is; the queue's filters are made of it. Taken together they say:
 * - what has ended stays as it is, but for `unknown`, which a receipt completes, and `dead` and `expired`, which a caller
 *   may have tried again;
 * - a stanza goes to the wire twice at most: by `begin`, and by `resend`;
 * - nothing that may have been on the wire is `dead`, `expired` or queued again.
 */
export const commandSteps = {
  claim: { from: ["queued"], to: "running", wire: "before" },
  expire: { from: ["queued"], to: "expired", wire: "before" },
  cancel: { from: ["queued"], to: "cancelled", wire: "before" },
  /** Not a valid document. */
  reject: { from: ["queued"], to: "failed", wire: "before" },
  /** Claimed in vain too often. */
  exhaust: { from: ["queued"], to: "dead", wire: "before" },
  /** From here on the stanza may be on the wire. */
  begin: { from: ["running"], to: "running", wire: "before" },
  /** It is certain that it was not on the wire: the socket went, or the owner died before. */
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

/** How often a command is claimed by processes that do not bring it to an end, before it is `dead`. */
const claimsMax = 3;

/** What is read of a command to see whether it may be carried out. */
export type DueCommand = CommandDocument & { isExpired: boolean };

/** What a queued command comes to when its turn comes. */
export function dueStep({
  attempts,
  isExpired,
}: Pick<DueCommand, "attempts" | "isExpired">): "claim" | "expire" | "exhaust" {
  if (isExpired) return "expire";
  return attempts >= claimsMax ? "exhaust" : "claim";
}

/**
 * Those that are claimed together. One whose former claim ended with its process may be what ended it, so it goes alone:
 * its neighbours' attempts are not spent with it.
 */
export function claimableTogether<T extends Pick<CommandDocument, "attempts">>(due: readonly T[]): T[] {
  const suspect = due.findIndex(({ attempts }) => attempts > 0);
  if (suspect === 0) return due.slice(0, 1);
  return suspect < 0 ? [...due] : due.slice(0, suspect);
}

/** What a former owner's command comes to; `keep`: it is `unknown`, and stays so until more is heard. */
export type Verdict = "requeue" | "markDead" | "succeed" | "fail" | "markUnknown" | "confirm" | "keep";

/** What was told is so: the former owner may have died between the log and the command. */
export function verdictOn(
  { state, type, relayStartedAt }: Pick<CommandDocument, "state" | "type" | "relayStartedAt">,
  { hasArrived, refusal, notSent }: PublishedOutcome,
): Verdict {
  if (state === "unknown") return hasArrived ? "confirm" : "keep";
  if (relayStartedAt) {
    if (hasArrived) return "succeed";
    if (refusal) return "fail";
  }
  if (notSent) return notSent.code === "not_sent" ? "markDead" : "fail";
  return relayStartedAt || !isRepeatable(type) ? "markUnknown" : "requeue";
}

/** A type that nobody knows fails when it is claimed. */
function isRepeatable(type: string): boolean {
  return !(type in commandTable) || commandTable[type as keyof typeof commandTable].isRepeatable;
}
