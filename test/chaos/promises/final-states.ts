import type { CommandState } from "#shared/commands.ts";
import type { Outcome } from "../facts.ts";
import type { Broken, Judge } from "./row.ts";

/** Which states end a command, and whether its message may, must or must not have reached the contact. */
const fates: Record<CommandState, "open" | "must" | "may" | "must not"> = {
  queued: "open",
  running: "open",
  succeeded: "must",
  unknown: "may",
  failed: "must not",
  expired: "must not",
  cancelled: "must not",
  dead: "must not",
};

/** Every accepted send has one final state, and it is true. */
export const finalStates: Judge = ({ outcomes }) => {
  const accepted = outcomes.filter(({ send }) => send.acceptedAt !== null);
  const broken = accepted.flatMap(untruthsOf);
  const states = Map.groupBy(accepted, ({ command }) => command?.state ?? "missing");
  const counts = [...states].map(([state, found]) => `${found.length} ${state}`).toSorted();
  const unpromised = outcomes.filter(({ send }) => send.acceptedAt === null);
  const reached = unpromised.filter(hasReached).length;
  const rest =
    unpromised.length > 0 ? `; ${unpromised.length} not accepted, of which ${reached} were sent` : "";
  return {
    promise: "every accepted send has a final state, and it is true",
    counted: `${accepted.length} accepted = ${counts.join(" + ")}${rest}`,
    broken,
  };
};

function untruthsOf(outcome: Outcome): Broken[] {
  const { send, command } = outcome;
  const broken = (what: string): Broken => ({ what, at: send.askedAt, outcome });
  if (!command) return [broken("accepted, and there is no such command")];
  const fate = fates[command.state];
  const found: Broken[] = [];
  if (fate === "open") found.push(broken(`accepted, and still ${command.state}`));
  if (fate === "must" && !hasReached(outcome)) found.push(broken("succeeded, and never reached the contact"));
  if (fate === "must not" && hasReached(outcome))
    found.push(broken(`${command.state}, and reached the contact`));
  if (send.claimed === "sent" && fate !== "must")
    found.push(broken(`answered as sent, and ${command.state}`));
  return found;
}

function hasReached({ wire }: Outcome): boolean {
  return wire.some(({ arrivedAt }) => arrivedAt !== null);
}
