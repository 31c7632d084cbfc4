import {
  type CommandStep,
  claimableTogether,
  commandSteps,
  dueStep,
  verdictOn,
} from "#connector/commands/command-lifecycle.ts";
import type { CommandState } from "#shared/commands.ts";
import type { MessageStatus } from "#shared/events.ts";

/** One send, as the model sees it. */
export interface ModelCommand {
  state: CommandState;
  attempts: number;
  /** Its place in the queue; a retry by its caller moves it to the end. */
  place: number;
  /** The epoch that claimed it; null while it is unclaimed. */
  epoch: number | null;
  /** Its message is recorded; it stays so. */
  isBegun: boolean;
  isResent: boolean;
  isOverdue: boolean;
  /** How often the stanza left; the product cannot know this. */
  copies: number;
  /** Its published statuses, in order. `not_sent`: a failure before the wire. */
  published: Array<MessageStatus | "not_sent">;
  /** Every state it was in, in order. */
  states: CommandState[];
}

export interface World {
  epoch: number;
  places: number;
  commands: ModelCommand[];
}

/** Anything that can happen. `n` is the index of the command it happens to. */
export type Happening =
  | { type: "claim" }
  /** As `claim`, but passes over what cannot go out. */
  | { type: "claimOne" }
  | { type: "takeover" }
  /** A former owner goes on as if it still owned the channel. */
  | { type: "late"; n: number }
  | {
      type:
        | "begin"
        | "leave"
        | "requeue"
        | "accepted"
        | "refused"
        | "silence"
        | "refuse"
        | "markDead"
        | "resend"
        | "undoResend"
        | "receipt"
        | "pass"
        | "cancel"
        | "retry";
      n: number;
    };

export function newWorld(count: number): World {
  const commands = Array.from(
    { length: count },
    (_, place): ModelCommand => ({
      ...{ state: "queued", attempts: 0, place, epoch: null },
      ...{ isBegun: false, isResent: false, isOverdue: false },
      ...{ copies: 0, published: [], states: ["queued"] },
    }),
  );
  return { epoch: 1, places: count, commands };
}

/** Takes a step of the table; returns false when the table does not allow it here. */
function take(command: ModelCommand, step: CommandStep): boolean {
  const { from, to, wire } = commandSteps[step];
  if (!(from as readonly CommandState[]).includes(command.state)) return false;
  if (wire === "before" && command.copies > 0) return false;
  if (wire === "after" && !command.isBegun) return false;
  command.state = to;
  command.states.push(to);
  return true;
}

const hasArrived = ({ published }: ModelCommand) =>
  published.includes("sent") || published.includes("delivered");

function publish(command: ModelCommand, status: MessageStatus | "not_sent") {
  if (!command.published.includes(status) || status === "not_sent") command.published.push(status);
}

function claim({ commands, epoch }: World) {
  for (;;) {
    const found = commands
      .filter(({ state }) => state === "queued")
      .toSorted((a, b) => a.place - b.place)
      .slice(0, 1);
    const [next] = claimableTogether(found);
    if (!next) return;
    const step = dueStep({ attempts: next.attempts, isExpired: next.isOverdue });
    next.epoch = epoch;
    if (step === "claim") {
      take(next, "claim");
      next.attempts++;
      return;
    }
    publish(next, "not_sent");
    take(next, step);
  }
}

function claimOne({ commands, epoch }: World) {
  const [next] = commands
    .filter(({ state, attempts, isOverdue }) => state === "queued" && attempts < 3 && !isOverdue)
    .toSorted((a, b) => a.place - b.place);
  if (!next) return;
  next.epoch = epoch;
  take(next, "claim");
  next.attempts++;
}

function takeover(world: World) {
  world.epoch++;
  for (const command of world.commands) {
    if (command.state !== "running" && command.state !== "unknown") continue;
    const { state, isBegun } = command;
    const verdict = verdictOn(
      { state, type: "message.send", relayStartedAt: new Date(), isRecorded: isBegun },
      { hasArrived: hasArrived(command), refusal: null, notSent: null },
    );
    if (verdict === "markUnknown") publish(command, "unknown");
    if (verdict !== "keep") take(command, verdict);
    command.epoch = verdict === "requeue" ? null : world.epoch;
  }
}

type Happens = (command: ModelCommand, world: World) => void;

const happens: { [T in Exclude<Happening["type"], "claim" | "claimOne" | "takeover">]: Happens } = {
  late: () => undefined,
  begin(command) {
    if (!command.isOverdue && take(command, "begin")) command.isBegun = true;
  },
  leave(command) {
    if (command.state === "running" && command.isBegun && command.copies === 0) command.copies++;
  },
  requeue(command) {
    if (command.copies > 0 || !take(command, "requeue")) return;
    command.attempts--;
    command.epoch = null;
  },
  accepted(command) {
    if (command.state === "running" && command.copies > 0) {
      if (!hasArrived(command)) publish(command, "sent");
      take(command, "succeed");
    } else if (command.state === "unknown" && command.isResent) {
      publish(command, "sent");
      take(command, "confirm");
    }
  },
  refused(command) {
    if (command.state !== "running" || command.copies === 0 || hasArrived(command)) return;
    publish(command, "failed");
    take(command, "fail");
  },
  silence(command) {
    if (command.state !== "running" || command.copies === 0) return;
    if (!hasArrived(command)) publish(command, "unknown");
    take(command, "markUnknown");
    if (hasArrived(command)) take(command, "confirm");
  },
  refuse(command) {
    if (command.copies > 0 || !take(command, "fail")) return;
    publish(command, "not_sent");
  },
  markDead(command) {
    if (command.copies > 0 || !take(command, "markDead")) return;
    publish(command, "not_sent");
  },
  resend(command) {
    if (command.isOverdue || command.isResent || !take(command, "resend")) return;
    Object.assign(command, { isResent: true, copies: command.copies + 1 });
  },
  undoResend(command) {
    // As if the socket had gone before the second copy left.
    if (command.state !== "unknown" || !command.isResent || hasArrived(command)) return;
    Object.assign(command, { isResent: false, copies: command.copies - 1 });
  },
  receipt(command) {
    if (command.copies === 0 || command.published.includes("failed")) return;
    publish(command, "delivered");
    take(command, "confirm");
  },
  pass(command) {
    command.isOverdue = true;
  },
  cancel(command) {
    take(command, "cancel");
  },
  retry(command, world) {
    if (!take(command, "retry")) return;
    Object.assign(command, { attempts: 0, epoch: null, isOverdue: false });
    command.place = world.places++;
  },
};

/** Applies a happening to the model. One that cannot happen changes nothing. */
export function happen(world: World, happening: Happening): void {
  if (happening.type === "claim") claim(world);
  else if (happening.type === "claimOne") claimOne(world);
  else if (happening.type === "takeover") takeover(world);
  else {
    const command = world.commands[happening.n];
    if (command) happens[happening.type](command, world);
  }
}

const final: readonly CommandState[] = ["succeeded", "failed", "cancelled"];

/** Named, so that a walk that breaks one names it. */
export const invariants: Record<string, (command: ModelCommand) => boolean> = {
  "a final state never changes": ({ states }) =>
    states.every((state, at) => !final.includes(state) || states.slice(at).every((later) => later === state)),
  "`unknown` changes only to `succeeded`": ({ states }) =>
    states.every(
      (state, at) =>
        state !== "unknown" ||
        states.slice(at).every((later) => later === "unknown" || later === "succeeded"),
    ),
  "`dead` and `expired` change only to `queued`": ({ states }) =>
    states.every(
      (state, at) => !["dead", "expired"].includes(state) || [undefined, "queued"].includes(states[at + 1]),
    ),
  "a stanza leaves at most twice": ({ copies }) => copies <= 2,
  "a stanza leaves a second time only after it was `unknown`": ({ copies, states }) =>
    copies < 2 || states.includes("unknown"),
  "a send whose stanza left is never `dead`, `expired`, `cancelled` or `queued`": ({ copies, state }) =>
    copies === 0 || !["dead", "expired", "cancelled", "queued"].includes(state),
  "WhatsApp refuses only stanzas that left and did not arrive": ({ published, copies }) =>
    !published.includes("failed") ||
    (copies > 0 && !published.includes("sent") && !published.includes("delivered")),
  "`not_sent` follows no other status": ({ published }) =>
    !published
      .slice(0, Math.max(0, published.lastIndexOf("not_sent")))
      .some((status) => status !== "not_sent"),
  "a `failed`, `expired` or `dead` send was published": ({ state, published }) =>
    !["failed", "expired", "dead"].includes(state) ||
    published.includes("failed") ||
    published.includes("not_sent"),
  "a `succeeded` send was published as such": ({ state, published }) =>
    state !== "succeeded" || published.includes("sent") || published.includes("delivered"),
  "attempts stay between 0 and 3": ({ attempts }) => attempts >= 0 && attempts <= 3,
};
