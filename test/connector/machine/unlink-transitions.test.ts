import { describe, expect, test } from "vitest";
import type { CloseReason } from "#connector/machine/close-reason.ts";
import { type MachineState, newMachine, type World } from "#connector/machine/machine.ts";
import { step } from "#connector/machine/transition-table.ts";
import { everyReason, limits } from "./machine.model.ts";

const now = 100_000_000;
const linked: World = { now, random: 0.5, isLinked: true, isWrongAccount: false, limits };
const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

const unlinkingSince = (
  since: number,
  cause: "logout" | "deletion" | "wrong_number" = "logout",
): MachineState => ({
  ...newMachine("unlinking", "unlinking"),
  unlink: { cause, since },
});
const closedBy = (machine: MachineState, reason: CloseReason, world = linked) =>
  step(machine, { type: "closed", reason, code: null }, world);

describe("while an unlinking is pending", () => {
  const proofs = ["unlinked", "lease_lost"];

  test.each(everyReason.filter(({ kind }) => !proofs.includes(kind)))(
    "the close reason $kind proves nothing: the credentials stay, and it is tried again",
    (reason) => {
      const { machine, effects } = closedBy(unlinkingSince(now), reason);
      expect(machine).toMatchObject({ reason: "unlinking", unlink: { cause: "logout", since: now } });
      expect(["waiting", "connecting"]).toContain(machine.state);
      expect(effects.map(({ type }) => type)).toEqual([
        machine.state === "waiting" ? "schedule_retry" : "open_socket",
      ]);
    },
  );

  test.each<[CloseReason, number]>([
    [{ kind: "unlink_unconfirmed" }, secondMs],
    [{ kind: "connection_lost" }, secondMs],
    [{ kind: "rate_limited", retryAfterMs: 900_000 }, 900_000],
    [{ kind: "replaced" }, 60_000],
    [{ kind: "temporarily_banned", forMs: 7_200_000 }, 7_200_000],
    [{ kind: "temporarily_banned", forMs: null }, hourMs],
    [{ kind: "banned" }, hourMs],
    [{ kind: "client_outdated" }, hourMs],
    [{ kind: "credentials_unreadable" }, hourMs],
  ])("%o is followed by a pause of at most %i ms", (reason, pauseMs) => {
    const { machine } = closedBy(unlinkingSince(now), reason);
    const waitMs = (machine.retryAt ?? 0) - now;
    expect(waitMs).toBeGreaterThan(pauseMs === secondMs ? 0 : pauseMs - 1);
    expect(waitMs).toBeLessThanOrEqual(pauseMs);
  });

  test("no pause is longer than what is left of the day", () => {
    const forever: CloseReason = { kind: "temporarily_banned", forMs: 365 * dayMs };
    const { machine } = closedBy(unlinkingSince(now - dayMs + hourMs), forever);
    expect(machine.retryAt).toBe(now + hourMs);
  });

  test.each(["logout", "deletion"] as const)(
    "after a day, a %s gives up and keeps the credentials",
    (cause) => {
      const overdue = unlinkingSince(now - dayMs, cause);
      const retried = { ...overdue, state: "waiting" as const };
      for (const { machine, effects } of [
        closedBy(overdue, { kind: "unlink_unconfirmed" }),
        step(retried, { type: "retry" }, linked),
      ]) {
        expect(machine).toEqual(newMachine("inactive", "disconnected"));
        expect(effects.map(({ type }) => type)).toEqual([
          ...["cancel_retry", "close_socket", "report_unconfirmed", "drop_wish"],
        ]);
      }
    },
  );

  test("after a day, a wrong account's credentials are erased", () => {
    const { machine, effects } = closedBy(unlinkingSince(now - dayMs, "wrong_number"), {
      kind: "connection_lost",
    });
    expect(machine).toEqual(newMachine("error", "wrong_number"));
    expect(effects).toContainEqual({ type: "report_unconfirmed", cause: "wrong_number" });
    expect(effects).toContainEqual({ type: "erase_credentials" });
  });

  test("a proof counts after a day, too", () => {
    const { machine } = closedBy(unlinkingSince(now - 2 * dayMs), { kind: "unlinked" });
    expect(machine).toEqual(newMachine("logged_out", "unlinked_by_api"));
  });

  test("a deletion takes a logout over and begins its own day; a logout joins a deletion", () => {
    const logout = unlinkingSince(now - hourMs);
    const deletion = step(logout, { type: "unlink", cause: "deletion" }, linked);
    expect(deletion).toMatchObject({ machine: { unlink: { cause: "deletion", since: now } }, effects: [] });
    expect(step(deletion.machine, { type: "unlink", cause: "logout" }, linked)).toEqual(deletion);
  });

  test("a repeated request does not cut a wait short, a person's connect does", () => {
    const waiting = { ...unlinkingSince(now), state: "waiting" as const, retryAt: now + hourMs };
    expect(step(waiting, { type: "unlink", cause: "logout" }, linked)).toEqual({
      machine: waiting,
      effects: [],
    });
    expect(step(waiting, { type: "start", method: { kind: "qr" } }, linked)).toMatchObject({
      machine: { state: "connecting", reason: "unlinking", unlink: { cause: "logout" } },
      effects: [{ type: "cancel_retry" }, { type: "open_socket" }],
    });
  });

  test("an interruption keeps it for the next owner", () => {
    for (const machine of [unlinkingSince(now), { ...unlinkingSince(now), state: "connecting" as const }]) {
      const { machine: next, effects } = step(machine, { type: "interrupt" }, linked);
      expect(next).toMatchObject({ state: "waiting", reason: "unlinking", unlink: { cause: "logout" } });
      expect(effects.map(({ type }) => type)).toEqual(["cancel_retry", "close_socket"]);
    }
  });
});
