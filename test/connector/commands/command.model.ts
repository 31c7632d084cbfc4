import {
  type CommandStep,
  claimableTogether,
  commandSteps,
  dueStep,
  verdictOn,
} from "#connector/commands/command-lifecycle.ts";
import type { CommandState } from "#shared/commands.ts";
import type { MessageStatus } from "#shared/events.ts";

/** One send, as the rules see it. */
export interface ModelCommand {
  state: CommandState;
  attempts: number;
  /** Its place in the queue; a later one when it is queued again by its caller. */
  place: number;
  /** Whose claim it is; null while nobody has it. */
  epoch: number | null;
  isBegun: boolean;
  isResent: boolean;
  isOverdue: boolean;
  /** How often the stanza left; no rule reads it. */
  copies: number;
  /** What was told of it, in this order. `not_sent`: a failure before the wire. */
  told: Array<MessageStatus | "not_sent">;
  /** Every state it was in. */
  states: CommandState[];
}

export interface World {
  epoch: number;
  places: number;
  commands: ModelCommand[];
}

/** What can happen next. `n` is the command it happens to. */
export type Happening =
  | { type: "claim" }
  | { type: "takeover" }
  /** A former owner goes on as if it still were one. */
  | { type: "late"; n: number }
  | {
      type:
        | "begin"
        | "leave"
        | "requeue"
        | "taken"
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
      ...{ copies: 0, told: [], states: ["queued"] },
    }),
  );
  return { epoch: 1, places: count, commands };
}

/** Takes a step of the table; false when the table does not have it from here. */
function take(command: ModelCommand, step: CommandStep): boolean {
  const { from, to, wire } = commandSteps[step];
  if (!(from as readonly CommandState[]).includes(command.state)) return false;
  if (wire === "before" && command.copies > 0) return false;
  if (wire === "after" && !command.isBegun) return false;
  command.state = to;
  command.states.push(to);
  return true;
}

const hasArrived = ({ told }: ModelCommand) => told.includes("sent") || told.includes("delivered");

function tell(command: ModelCommand, status: MessageStatus | "not_sent") {
  if (!command.told.includes(status) || status === "not_sent") command.told.push(status);
}

function claim({ commands, epoch }: World) {
  for (;;) {
    const found = commands
      .filter(({ state }) => state === "queued")
      .toSorted((a, b) => a.place - b.place)
      .slice(0, 1);
    const [next] = claimableTogether(found);
    if (!next) return;
    const turn = dueStep({ attempts: next.attempts, isExpired: next.isOverdue });
    next.epoch = epoch;
    if (turn === "claim") {
      take(next, "claim");
      next.attempts++;
      return;
    }
    tell(next, "not_sent");
    take(next, turn);
  }
}

function takeover(world: World) {
  world.epoch++;
  for (const command of world.commands) {
    if (command.state !== "running" && command.state !== "unknown") continue;
    const { state, isBegun } = command;
    const verdict = verdictOn(
      { state, type: "message.send", ...(isBegun ? { relayStartedAt: new Date() } : {}) },
      { hasArrived: hasArrived(command), refusal: null, notSent: null },
    );
    if (verdict === "markUnknown") tell(command, "unknown");
    if (verdict !== "keep") take(command, verdict);
    command.epoch = verdict === "requeue" ? null : world.epoch;
  }
}

type Happens = (command: ModelCommand, world: World) => void;

const happens: { [T in Exclude<Happening["type"], "claim" | "takeover">]: Happens } = {
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
    Object.assign(command, { epoch: null, isBegun: false });
  },
  taken(command) {
    if (command.state === "running" && command.copies > 0) {
      if (!hasArrived(command)) tell(command, "sent");
      take(command, "succeed");
    } else if (command.state === "unknown" && command.isResent) {
      tell(command, "sent");
      take(command, "confirm");
    }
  },
  refused(command) {
    if (command.state !== "running" || command.copies === 0 || hasArrived(command)) return;
    tell(command, "failed");
    take(command, "fail");
  },
  silence(command) {
    if (command.state !== "running" || command.copies === 0) return;
    if (!hasArrived(command)) tell(command, "unknown");
    take(command, "markUnknown");
    if (hasArrived(command)) take(command, "confirm");
  },
  refuse(command) {
    if (command.copies > 0 || !take(command, "fail")) return;
    tell(command, "not_sent");
  },
  markDead(command) {
    if (command.copies > 0 || !take(command, "markDead")) return;
    tell(command, "not_sent");
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
    if (command.copies === 0 || command.told.includes("failed")) return;
    tell(command, "delivered");
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
    Object.assign(command, { attempts: 0, epoch: null, isBegun: false, isOverdue: false });
    command.place = world.places++;
  },
};

/** What the rules say that comes of it. What cannot happen changes nothing. */
export function happen(world: World, happening: Happening): void {
  if (happening.type === "claim") claim(world);
  else if (happening.type === "takeover") takeover(world);
  else {
    const command = world.commands[happening.n];
    if (command) happens[happening.type](command, world);
  }
}

const final: readonly CommandState[] = ["succeeded", "failed", "cancelled"];

/** Named, so that a walk that breaks one says which. */
export const invariants: Record<string, (command: ModelCommand) => boolean> = {
  "what is final stays so": ({ states }) =>
    states.every((state, at) => !final.includes(state) || states.slice(at).every((later) => later === state)),
  "unknown becomes nothing but succeeded": ({ states }) =>
    states.every(
      (state, at) =>
        state !== "unknown" ||
        states.slice(at).every((later) => later === "unknown" || later === "succeeded"),
    ),
  "dead and expired become nothing but queued": ({ states }) =>
    states.every(
      (state, at) => !["dead", "expired"].includes(state) || [undefined, "queued"].includes(states[at + 1]),
    ),
  "a stanza leaves twice at most": ({ copies }) => copies <= 2,
  "a second time only after a first that nobody answered": ({ copies, states }) =>
    copies < 2 || states.includes("unknown"),
  "what left is never said to be not sent": ({ copies, state }) =>
    copies === 0 || !["dead", "expired", "cancelled", "queued"].includes(state),
  "nothing fails by WhatsApp that did not leave, or that arrived": ({ told, copies }) =>
    !told.includes("failed") || (copies > 0 && !told.includes("sent") && !told.includes("delivered")),
  "a failure before the wire is told only of what did not leave in that life": ({ told }) =>
    !told.slice(0, Math.max(0, told.lastIndexOf("not_sent"))).some((status) => status !== "not_sent"),
  "an end that says failed, expired or dead was told": ({ state, told }) =>
    !["failed", "expired", "dead"].includes(state) || told.includes("failed") || told.includes("not_sent"),
  "success was told as such": ({ state, told }) =>
    state !== "succeeded" || told.includes("sent") || told.includes("delivered"),
  "attempts stay in their bound": ({ attempts }) => attempts >= 0 && attempts <= 3,
};
