import { describe, expect, test } from "vitest";
import { newMachine, type Signal } from "#connector/machine/machine.ts";
import { step } from "#connector/machine/transition-table.ts";
import { limits } from "./machine.model.ts";

const linked = { now: 1_000_000, random: 0.5, isLinked: true, isWrongAccount: false, limits };
const lost: Signal = { type: "closed", reason: { kind: "connection_lost" }, code: 428 };
const restart: Signal = { type: "closed", reason: { kind: "restart_required" }, code: 515 };
const replaced: Signal = { type: "closed", reason: { kind: "replaced" }, code: 440 };

describe("after a close", () => {
  test("a requested restart reconnects at once, whatever failed before, but only three times in a row", () => {
    let machine = { ...newMachine("connecting"), attempt: 7 };
    for (let time = 1; time <= 3; time++) {
      const restarted = step(machine, restart, linked);
      expect(restarted).toMatchObject({
        machine: { state: "connecting" },
        effects: [{ type: "open_socket" }],
      });
      machine = restarted.machine;
    }
    expect(step(machine, restart, linked).machine).toMatchObject({
      state: "waiting",
      reason: "server_unavailable",
    });
  });

  test("retries back off, and start from zero after a stable connection", () => {
    const delayAfter = (machine: typeof opened) =>
      (step(machine, lost, linked).machine.retryAt ?? 0) - linked.now;
    const opened = { ...newMachine("active"), attempt: 6, openedAt: linked.now - 59_999 };
    expect(delayAfter(opened)).toBe(35_200);
    expect(delayAfter({ ...opened, openedAt: linked.now - 60_000 })).toBe(550);
  });

  test("a person's request ends any wait at once, and does not shorten the next one", () => {
    const limited: Signal = {
      type: "closed",
      reason: { kind: "rate_limited", retryAfterMs: 60_000 },
      code: 429,
    };
    for (const close of [lost, replaced, limited]) {
      const { machine } = step({ ...newMachine("active"), attempt: 6 }, close, linked);
      const now = step(machine, { type: "start", method: { kind: "qr" } }, linked);
      expect(now).toMatchObject({
        machine: { state: "connecting", retryAt: null, attempt: 7 },
        effects: [{ type: "cancel_retry" }, { type: "open_socket" }],
      });
    }
  });

  test("a second replacement by another client ends in `error`", () => {
    const first = step({ ...newMachine("active"), openedAt: linked.now }, replaced, linked);
    expect(first.machine).toMatchObject({
      state: "waiting",
      reason: "replaced",
      retryAt: linked.now + 60_000,
    });
    const again = step(first.machine, { type: "retry" }, linked);
    const open = step(again.machine, { type: "opened" }, linked);
    expect(step(open.machine, replaced, linked).machine).toMatchObject({
      state: "error",
      reason: "replaced",
    });
  });

  test("a replacement after a stable hour counts as the first", () => {
    const stable = { ...newMachine("active"), replacements: 1, openedAt: linked.now - 3_600_000 };
    expect(step(stable, replaced, linked).machine.state).toBe("waiting");
  });

  test("the wait WhatsApp asks for is kept", () => {
    const limited: Signal = {
      type: "closed",
      reason: { kind: "rate_limited", retryAfterMs: 123_000 },
      code: 429,
    };
    expect(step(newMachine("connecting"), limited, linked)).toMatchObject({
      machine: { state: "waiting", reason: "rate_limited", retryAt: linked.now + 123_000 },
      effects: [{ type: "schedule_retry", delayMs: 123_000 }],
    });
  });

  test("a temporary ban shows when it ends, and is not retried", () => {
    const banned = (forMs: number | null): Signal => ({
      type: "closed",
      reason: { kind: "temporarily_banned", forMs },
      code: 402,
    });
    expect(step(newMachine("connecting"), banned(60_000), linked).machine).toMatchObject({
      state: "error",
      retryAt: linked.now + 60_000,
    });
    expect(step(newMachine("connecting"), banned(null), linked).machine.retryAt).toBeNull();
  });
});
