import fc from "fast-check";
import { expect, test } from "vitest";
import { type Effect, type MachineState, newMachine, type Signal } from "#connector/machine/machine.ts";
import { step } from "#connector/machine/transition-table.ts";
import { everyReason, everySignal, limits } from "./machine.model.ts";

/** A session that only tracks its effects: what the machine asked for, and whether that is consistent. */
interface Session {
  machine: MachineState;
  hasSocket: boolean;
  hasRetry: boolean;
  isLinked: boolean;
  isWrongAccount: boolean;
  isWanted: boolean;
  now: number;
  /** Violations, in words. */
  faults: string[];
}

type Occurrence = Signal | { type: "linked" } | { type: "wrong_account" } | { type: "time"; ms: number };

const fresh = (isLinked: boolean): Session => ({
  machine: newMachine("inactive"),
  hasSocket: false,
  hasRetry: false,
  isLinked,
  isWrongAccount: false,
  isWanted: false,
  now: 0,
  faults: [],
});

const execute: Record<Effect["type"], (session: Session) => void> = {
  open_socket(session) {
    if (session.hasSocket) session.faults.push("a second socket was opened");
    session.hasSocket = true;
  },
  close_socket(session) {
    session.hasSocket = false;
  },
  unlink_device(session) {
    if (!session.hasSocket) session.faults.push("unlinked without a socket");
  },
  report_unconfirmed(session) {
    session.faults.push("gave an unlinking up within a day");
  },
  erase_credentials(session) {
    session.isLinked = false;
    session.isWrongAccount = false;
  },
  request_code(session) {
    if (!session.hasSocket) session.faults.push("asked for a code without a socket");
    if (session.isLinked) session.faults.push("asked for a code while linked");
  },
  remember_account: () => undefined,
  schedule_retry(session) {
    if (session.hasSocket) session.faults.push("a retry beside a socket");
    session.hasRetry = true;
  },
  cancel_retry(session) {
    session.hasRetry = false;
  },
  drop_wish(session) {
    session.isWanted = false;
  },
};

/**
 * Whether it can occur now: only a socket reports codes and closes, only a linked device opens, only a timer retries.
 */
function isPossible({ machine, hasSocket, hasRetry, isLinked }: Session, occurrence: Occurrence): boolean {
  switch (occurrence.type) {
    case "qr":
    case "code":
      return hasSocket && !isLinked;
    case "linked":
    case "wrong_account":
      return machine.code !== null;
    case "paired":
      return machine.code !== null && isLinked;
    case "opened":
      return hasSocket && isLinked;
    case "unlinked":
      return machine.state === "unlinking";
    case "closed":
      return hasSocket;
    case "retry":
      return hasRetry;
    default:
      return true;
  }
}

function apply(session: Session, occurrence: Occurrence): void {
  if (!isPossible(session, occurrence)) return;
  if (occurrence.type === "time") session.now += occurrence.ms;
  else if (occurrence.type === "linked" || occurrence.type === "wrong_account") {
    session.isLinked = true;
    session.isWrongAccount = occurrence.type === "wrong_account";
  } else send(session, occurrence);
}

function send(session: Session, signal: Signal): void {
  if (signal.type === "closed") session.hasSocket = false;
  if (signal.type === "retry") session.hasRetry = false;
  if (signal.type === "start") session.isWanted = true;
  const { now, isLinked, isWrongAccount, machine } = session;
  const next = step(machine, signal, { now, isLinked, isWrongAccount, random: 0.5, limits });
  session.machine = next.machine;
  for (const { type } of next.effects) execute[type](session);
}

/** The invariants between any two signals that this session breaks. */
function contradictions({
  machine,
  hasSocket,
  hasRetry,
  isWanted,
  isWrongAccount,
  faults,
}: Session): string[] {
  const { state } = machine;
  const needsSocket = ["connecting", "qr_ready", "pairing_code_ready", "active", "unlinking"].includes(state);
  const isResting = ["inactive", "error", "logged_out"].includes(state);
  return [
    ...faults,
    ...(needsSocket === hasSocket ? [] : [`${state} ${hasSocket ? "with" : "without"} a socket`]),
    ...(isWrongAccount && state === "active" ? ["active with a wrong account"] : []),
    ...((state === "waiting") === hasRetry ? [] : [`${state} ${hasRetry ? "with" : "without"} a retry`]),
    ...(isResting && isWanted && machine.reason !== "credentials_unreadable"
      ? [`${state} although the channel is wanted`]
      : []),
  ];
}

// Both end the session: a machine gets no signal after an interruption or a lost lease.
const lasting = everySignal.filter(
  (signal) =>
    signal.type !== "interrupt" && !(signal.type === "closed" && signal.reason.kind === "lease_lost"),
);
const occurrences: Occurrence[] = [
  ...lasting,
  { type: "linked" },
  { type: "wrong_account" },
  { type: "time", ms: 61_000 },
];
const walk = fc.array(fc.constantFrom(...occurrences), { maxLength: 40 });

test("no sequence of signals breaks an invariant", () => {
  fc.assert(
    fc.property(fc.boolean(), walk, (isLinked, path) => {
      const session = fresh(isLinked);
      for (const occurrence of path) {
        apply(session, occurrence);
        expect(contradictions(session)).toEqual([]);
      }
    }),
    { numRuns: 3_000 },
  );
});

test("unlinking ends when WhatsApp confirms it, whatever the connection does before and even after a stop", () => {
  const later = fc.array(
    fc.constantFrom<Occurrence>(
      ...everyReason
        .filter(({ kind }) => kind !== "lease_lost")
        .map((reason): Signal => ({ type: "closed", reason, code: null })),
      { type: "retry" },
      { type: "stop" },
      { type: "time", ms: 1_000 },
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.boolean(), walk, later, (isLinked, path, afterwards) => {
      const session = fresh(isLinked);
      const unlink = { type: "unlink", cause: "logout" } as const;
      for (const occurrence of [...path, unlink, ...afterwards]) apply(session, occurrence);
      apply(session, { type: "retry" });
      apply(session, { type: "opened" });
      apply(session, { type: "unlinked" });
      // An account that was being unlinked as a wrong one ends as such.
      const { state, reason } = session.machine;
      expect(state === "logged_out" || reason === "wrong_number").toBe(true);
      expect(session.isLinked).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test("the random walks reach every state", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.boolean(), walk, (isLinked, path) => {
      const session = fresh(isLinked);
      for (const occurrence of path) {
        apply(session, occurrence);
        reached.add(session.machine.state);
      }
    }),
    { numRuns: 2_000 },
  );
  expect([...reached].sort()).toEqual(
    [
      "active",
      "connecting",
      "error",
      "inactive",
      "logged_out",
      "pairing_code_ready",
      "qr_ready",
      "unlinking",
      "waiting",
    ].sort(),
  );
});
