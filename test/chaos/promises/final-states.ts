import type { CommandState } from "#shared/commands.ts";
import type { Outcome } from "../facts.ts";
import type { Check, Violation } from "./check.ts";

/** Whether a command in this state is still open, or else may, must or must not have reached the contact. */
const deliveries: Record<CommandState, "open" | "must" | "may" | "must not"> = {
  queued: "open",
  running: "open",
  succeeded: "must",
  unknown: "may",
  failed: "must not",
  expired: "must not",
  cancelled: "must not",
  dead: "must not",
};

/** Every accepted send ends in a final state, and the state is true of its message. */
export const finalStates: Check = ({ outcomes }) => {
  const accepted = outcomes.filter(({ send }) => send.acceptedAt !== null);
  const violations = accepted.flatMap(violationsOf);
  const states = Map.groupBy(accepted, ({ command }) => command?.state ?? "missing");
  const counts = [...states].map(([state, found]) => `${found.length} ${state}`).toSorted();
  const rejected = outcomes.filter(({ send }) => send.acceptedAt === null);
  const reached = rejected.filter(hasReached).length;
  const rest = rejected.length > 0 ? `; ${rejected.length} not accepted, ${reached} of them sent` : "";
  return {
    promise: "every accepted send ends in a final state that is true",
    counted: `${accepted.length} accepted = ${counts.join(" + ")}${rest}`,
    violations,
  };
};

function violationsOf(outcome: Outcome): Violation[] {
  const { send, command } = outcome;
  const violation = (what: string): Violation => ({ what, at: send.askedAt, outcome });
  if (!command) return [violation("accepted, but its command does not exist")];
  const delivery = deliveries[command.state];
  const found: Violation[] = [];
  if (delivery === "open") found.push(violation(`accepted, but still ${command.state}`));
  if (delivery === "must" && !hasReached(outcome))
    found.push(violation("succeeded, but never reached the contact"));
  if (delivery === "must not" && hasReached(outcome))
    found.push(violation(`${command.state}, but reached the contact`));
  if (send.claimed === "sent" && delivery !== "must")
    found.push(violation(`answered as sent, but ${command.state}`));
  return found;
}

function hasReached({ wire }: Outcome): boolean {
  return wire.some(({ arrivedAt }) => arrivedAt !== null);
}
