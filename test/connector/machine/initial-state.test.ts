import { expect, test } from "vitest";
import { initialState } from "#connector/machine/initial-state.ts";
import { newMachine } from "#connector/machine/machine.ts";
import { channelStatuses } from "#shared/channel.ts";

const every = channelStatuses.flatMap((status) =>
  (["connected", "disconnected"] as const).flatMap((wanted) =>
    [true, false].map((isLinked) => ({ status, wanted, isLinked })),
  ),
);
const of = ({ status, wanted, isLinked }: (typeof every)[number]) =>
  initialState({ status, wanted, reason: null, retryAt: null, lastDisconnect: null }, isLinked, 0);
const isPairing = (status: string) => ["connecting", "qr_ready", "pairing_code_ready"].includes(status);

test("a linked channel connects exactly if it is wanted, whatever its last status", () => {
  for (const one of every.filter(({ isLinked }) => isLinked)) {
    expect(of(one).mustConnect, JSON.stringify(one)).toBe(one.wanted === "connected");
  }
});

test("a pairing whose owner died is not resumed, and its end is announced", () => {
  for (const one of every.filter(({ status, isLinked }) => isPairing(status) && !isLinked)) {
    const { machine, mustAnnounce, mustConnect } = of(one);
    expect({ state: machine.state, mustAnnounce, mustConnect }).toEqual({
      state: "inactive",
      mustAnnounce: true,
      mustConnect: false,
    });
    expect(machine.reason).toBe(one.wanted === "connected" ? "interrupted" : "disconnected");
  }
});

test("an active channel without credentials starts as `logged_out`, and does not start to pair", () => {
  const { machine, mustAnnounce, mustConnect } = of({
    status: "active",
    wanted: "connected",
    isLinked: false,
  });
  expect([machine.state, machine.reason, mustAnnounce, mustConnect]).toEqual([
    "logged_out",
    "unlinked_by_phone",
    true,
    false,
  ]);
});

test("an unlinked, resting channel starts to pair if it is wanted", () => {
  for (const status of ["inactive", "error", "logged_out"] as const) {
    expect(of({ status, wanted: "connected", isLinked: false })).toMatchObject({
      mustConnect: true,
      mustAnnounce: false,
    });
  }
});

test("a resting channel that is not wanted keeps its state and reason", () => {
  expect(
    initialState(
      { status: "error", wanted: "disconnected", reason: "banned", retryAt: null, lastDisconnect: null },
      true,
      0,
    ),
  ).toEqual({
    machine: newMachine("error", "banned"),
    mustAnnounce: false,
    mustConnect: false,
    retryInMs: null,
  });
});

test("a channel that is not wanted but seemed connected is announced as disconnected", () => {
  for (const status of ["active", "connecting"] as const) {
    expect(of({ status, wanted: "disconnected", isLinked: true })).toEqual({
      machine: newMachine("inactive", "disconnected"),
      mustAnnounce: true,
      mustConnect: false,
      retryInMs: null,
    });
  }
});

test("every initial state is a resting one, since none has a socket", () => {
  for (const one of every) expect(["inactive", "error", "logged_out"]).toContain(of(one).machine.state);
});

test("an unlinking that was not confirmed is continued at once, whatever the wish, unless WhatsApp asked to wait", () => {
  const unlink = { cause: "logout", since: new Date(1_000) } as const;
  for (const wanted of ["connected", "disconnected"] as const) {
    const after = (reason: string, retryAt: Date | null) => {
      const lastDisconnect = { code: null, reason, at: "" };
      const pending = { status: "connecting", reason: "unlinking", wanted, unlink, retryAt } as const;
      return initialState({ ...pending, lastDisconnect }, true, 4_000);
    };
    expect(after("unlink_unconfirmed", null)).toMatchObject({
      machine: { state: "waiting", reason: "unlinking", unlink: { cause: "logout", since: 1_000 } },
      ...{ mustConnect: false, mustAnnounce: false, retryInMs: 0 },
    });
    expect(after("credentials_unreadable", new Date(10_000)).retryInMs).toBe(0);
    expect(after("client_outdated", new Date(10_000)).retryInMs).toBe(0);
    expect(after("rate_limited", new Date(10_000)).retryInMs).toBe(6_000);
    expect(after("temporarily_banned", new Date(8.64e15)).retryInMs).toBe(86_400_000);
  }
});

test("an unlinking whose credentials are erased was confirmed: its end is announced", () => {
  const ends = { logout: "logged_out", deletion: "logged_out", wrong_number: "error" } as const;
  for (const cause of ["logout", "deletion", "wrong_number"] as const) {
    const pending = {
      status: "connecting",
      reason: "unlinking",
      wanted: "connected",
      retryAt: null,
      lastDisconnect: null,
    } as const;
    const initial = initialState({ ...pending, unlink: { cause, since: new Date(0) } }, false, 4_000);
    expect([initial.machine.state, initial.mustAnnounce, initial.mustConnect]).toEqual([
      ends[cause],
      true,
      false,
    ]);
  }
});

test("the next owner waits out a wait that WhatsApp asked for, and no other", () => {
  const retryAt = new Date(10_000);
  const waiting = { status: "connecting", wanted: "connected", retryAt, lastDisconnect: null } as const;
  const limited = initialState({ ...waiting, reason: "rate_limited" }, true, 4_000);
  expect(limited).toMatchObject({
    mustConnect: false,
    retryInMs: 6_000,
    machine: { state: "waiting", retryAt: 10_000 },
  });
  expect(initialState({ ...waiting, reason: "replaced" }, true, 4_000).retryInMs).toBe(6_000);
  for (const [reason, now] of [
    ["connection_lost", 4_000],
    ["rate_limited", 10_000],
  ] as const) {
    expect(initialState({ ...waiting, reason }, true, now)).toMatchObject({
      mustConnect: true,
      retryInMs: null,
    });
  }
});
