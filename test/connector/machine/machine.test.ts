import { describe, expect, test } from "vitest";
import {
  type MachineState,
  newMachine,
  publicStatus,
  type Signal,
  type World,
} from "#connector/machine/machine.ts";
import { step, table } from "#connector/machine/transition-table.ts";
import { statusReasons } from "#shared/channel.ts";
import { codes, everyMachine, everySignal, limits, worlds } from "./machine.model.ts";

const linked: World = {
  now: 1_000_000,
  random: 0.5,
  isLinked: true,
  isWrongAccount: false,
  limits,
};
const unlinked: World = { ...linked, isLinked: false };

/** Every distinguishable machine state × every signal × every world, as steps. */
const steps = everyMachine.flatMap((machine) =>
  everySignal.flatMap((signal) =>
    worlds.map((world) => ({ machine, signal, world, ...after(machine, signal, world) })),
  ),
);

function after(machine: (typeof everyMachine)[number], signal: Signal, world: World) {
  const { machine: next, effects } = step(machine, signal, world);
  return { next, effects, names: effects.map(({ type }) => type) };
}

const isOverdue = ({ unlink }: (typeof everyMachine)[number]) => (unlink?.since ?? 1) < 0;
const isEnded = (state: string) => ["inactive", "error", "logged_out"].includes(state);

/** Checks `holds` for every step that `applies`; a failure shows the first step that breaks it. */
function always(
  applies: (one: (typeof steps)[number]) => boolean,
  holds: (one: (typeof steps)[number]) => boolean,
) {
  const relevant = steps.filter(applies);
  expect(relevant.length).toBeGreaterThan(0);
  expect(relevant.find((one) => !holds(one))).toBeUndefined();
}

describe("every state × every signal, linked and not", () => {
  test("a signal that the table ignores changes nothing", () => {
    always(
      ({ machine, signal }) => table[machine.state][signal.type] === null,
      ({ machine, next, effects }) => next === machine && effects.length === 0,
    );
  });

  test("the state holds a code exactly while one is shown", () => {
    always(
      () => true,
      ({ next }) => (next.code !== null) === ["qr_ready", "pairing_code_ready"].includes(next.state),
    );
  });

  test("the code shown is of the kind the state names", () => {
    always(
      ({ next }) => next.code !== null,
      ({ next }) => (next.code?.kind === "qr") === (next.state === "qr_ready"),
    );
  });

  test("a state that only a person leaves drops the wish and cancels the retry", () => {
    always(
      ({ machine, next }) =>
        isEnded(next.state) && next !== machine && next.reason !== "credentials_unreadable",
      ({ names }) => names.includes("drop_wish") && names.includes("cancel_retry"),
    );
  });

  test("unreadable credentials keep the wish, so the channel reconnects with the right key", () => {
    always(
      ({ machine, next }) => next !== machine && next.reason === "credentials_unreadable",
      ({ names, next }) =>
        next.state === "error" && !names.includes("drop_wish") && names.includes("cancel_retry"),
    );
  });

  test("entering `waiting` sets the time of the next attempt and schedules the retry for it", () => {
    always(
      ({ machine, next, signal }) => next.state === "waiting" && next !== machine && signal.type === "closed",
      ({ next, effects, world }) =>
        effects.some((one) => one.type === "schedule_retry" && next.retryAt === world.now + one.delayMs),
    );
  });

  test("only `waiting` and a temporary ban have a time for the next attempt", () => {
    always(
      ({ next }) => next.retryAt !== null,
      ({ next }) => next.state === "waiting" || next.reason === "temporarily_banned",
    );
  });

  test("every reason belongs to its status", () => {
    always(
      ({ machine, next }) => next !== machine,
      ({ next }) => {
        const status = publicStatus(next);
        const reasons: readonly string[] =
          status in statusReasons ? statusReasons[status as keyof typeof statusReasons] : [];
        return next.reason === null || reasons.includes(next.reason);
      },
    );
  });

  test("a step opens at most one socket, and only to enter `connecting`", () => {
    always(
      ({ names }) => names.includes("open_socket"),
      ({ names, next }) =>
        names.filter((name) => name === "open_socket").length === 1 && next.state === "connecting",
    );
  });

  test("entering `logged_out` erases the credentials", () => {
    always(
      ({ machine, next }) => next.state === "logged_out" && next !== machine,
      ({ names }) => names.includes("erase_credentials"),
    );
  });

  test("only `logged_out`, `wrong_number` and a link that WhatsApp does not know erase credentials", () => {
    always(
      ({ names }) => names.includes("erase_credentials"),
      ({ next, signal }) =>
        next.state === "logged_out" ||
        next.reason === "wrong_number" ||
        (signal.type === "closed" && signal.reason.kind === "link_refused"),
    );
  });

  test("an unlinked channel never connects again by itself once a person may be using a code of it", () => {
    always(
      ({ machine, signal, world }) =>
        signal.type === "closed" &&
        signal.reason.kind !== "lease_lost" &&
        !world.isLinked &&
        machine.unlink === null &&
        !["inactive", "error", "logged_out", "waiting"].includes(machine.state) &&
        (machine.code !== null || machine.hasAskedForCode),
      ({ next, names }) => isEnded(next.state) && !names.includes("open_socket"),
    );
  });

  test("a connection asks for a pairing code once for each of a person's requests", () => {
    always(
      ({ machine, signal }) =>
        machine.hasAskedForCode &&
        signal.type !== "start" &&
        // Asking again is for the next connection.
        table[machine.state][signal.type] !== null,
      ({ names }) => !names.includes("request_code"),
    );
  });

  test("credentials are erased when the device is gone for certain, and a stranger's after a day", () => {
    always(
      ({ names }) => names.includes("erase_credentials"),
      ({ machine, signal, world, names }) =>
        !world.isLinked ||
        ["unlinked", "qr", "code"].includes(signal.type) ||
        (signal.type === "closed" && ["unlinked", "link_refused"].includes(signal.reason.kind)) ||
        (machine.unlink?.cause === "wrong_number" && names.includes("report_unconfirmed")),
    );
  });

  test("a pending unlinking is visible, and `unlinking` is never without one", () => {
    always(
      ({ next }) => next.unlink !== null || next.state === "unlinking",
      ({ next }) =>
        next.unlink !== null && next.reason === "unlinking" && publicStatus(next) === "connecting",
    );
  });

  test("a pending unlinking ends only with the device, or when a day is over", () => {
    always(
      ({ machine, next }) => machine.unlink !== null && next.unlink === null,
      ({ machine, names, world }) =>
        names.includes("erase_credentials") ||
        (names.includes("report_unconfirmed") && world.now - (machine.unlink?.since ?? 0) >= 86_400_000) ||
        !world.isLinked,
    );
  });

  test("a connection that opens while an unlinking is pending serves only that", () => {
    always(
      ({ machine, signal }) =>
        machine.unlink !== null && signal.type === "opened" && machine.state !== "unlinking",
      ({ machine, next, names }) =>
        machine.state !== "connecting" ||
        (next.state === "unlinking" && names.join() === "unlink_device,drop_wish"),
    );
  });

  test("a wrong account never becomes active: it is unlinked, and only a person can go on", () => {
    always(
      ({ signal, world, next, machine }) =>
        signal.type === "opened" && world.isWrongAccount && next !== machine,
      ({ machine, next, names }) =>
        names.join() === "unlink_device,drop_wish" &&
        next.unlink?.cause === (machine.unlink?.cause ?? "wrong_number"),
    );
    always(
      ({ world, machine }) => world.isWrongAccount && machine.state !== "active",
      ({ next }) => next.state !== "active",
    );
  });

  test("a lost lease changes nothing and has no effects", () => {
    always(
      ({ signal }) => signal.type === "closed" && signal.reason.kind === "lease_lost",
      ({ machine, next, effects }) => next === machine && effects.length === 0,
    );
  });

  test("an interrupted channel keeps its wish if linked; a pairing ends", () => {
    always(
      ({ machine, signal }) => signal.type === "interrupt" && !isEnded(machine.state),
      ({ next, names, world }) =>
        names.includes("close_socket") &&
        (world.isLinked
          ? next.state === "waiting" && !names.includes("drop_wish")
          : next.state === "inactive" && next.reason === "interrupted"),
    );
  });

  test("a stop ends everything but an unlinking, in every state", () => {
    always(
      ({ machine, signal }) => signal.type === "stop" && machine.unlink === null,
      ({ machine, next, names }) =>
        names.includes("drop_wish") &&
        (next.state === "inactive" || (machine.state === "logged_out" && next === machine)),
    );
  });

  test("`unlink` unlinks at once or on the next open, in every state", () => {
    always(
      ({ signal }) => signal.type === "unlink",
      ({ machine, signal, next }) =>
        next.state === "logged_out" ||
        next.unlink?.cause === "deletion" ||
        (signal.type === "unlink" && next.unlink?.cause === (machine.unlink?.cause ?? signal.cause)),
    );
  });

  test("a resting channel connects on `start`, a waiting one on `retry`", () => {
    always(
      ({ machine, signal }) =>
        (signal.type === "start" && isEnded(machine.state)) ||
        (signal.type === "retry" && machine.state === "waiting" && !isOverdue(machine)),
      ({ next, names }) => next.state === "connecting" && names.includes("open_socket"),
    );
  });

  test("a stop does not cancel a pending unlink", () => {
    always(
      ({ machine, signal }) => machine.unlink !== null && signal.type === "stop",
      ({ next, names }) => next.unlink !== null && names.includes("drop_wish"),
    );
  });

  test("`waiting` and `unlinking` are never public statuses", () => {
    const statuses = everyMachine.map(publicStatus);
    expect(statuses).not.toContain("waiting");
    expect(statuses).not.toContain("unlinking");
  });
});

describe("pairing", () => {
  test("pairing by number requests a code as soon as the server accepts the request", () => {
    const method = { kind: "code", phoneNumber: "15550100001" } as const;
    const started = step(newMachine("inactive"), { type: "start", method }, unlinked);
    const asked = step(started.machine, { type: "qr", code: codes.qr }, unlinked);
    expect(asked).toEqual({
      machine: { ...started.machine, hasAskedForCode: true },
      effects: [{ type: "request_code", phoneNumber: "15550100001" }],
    });
    const shown = step(asked.machine, { type: "code", code: codes.typed }, unlinked);
    expect(shown.machine).toMatchObject({ state: "pairing_code_ready", code: codes.typed });
    const nextQr = step(asked.machine, { type: "qr", code: codes.qr }, unlinked);
    expect(nextQr.effects).toEqual([]);
  });

  test("the same number waits for the answer that is under way, another number asks for its own code", () => {
    const asking: MachineState = {
      ...newMachine("connecting"),
      method: { kind: "code", phoneNumber: "15550100001" },
      hasAskedForCode: true,
    };
    const by = (machine: MachineState, phoneNumber: string) =>
      step(machine, { type: "start", method: { kind: "code", phoneNumber } }, unlinked).effects;
    expect(by(asking, "15550100001")).toEqual([]);
    expect(by(asking, "15550100002")).toEqual([{ type: "request_code", phoneNumber: "15550100002" }]);
    const showing: MachineState = { ...asking, state: "pairing_code_ready", code: codes.typed };
    expect(by(showing, "15550100001")).toEqual([{ type: "request_code", phoneNumber: "15550100001" }]);
  });

  test("a used code is gone before the first login", () => {
    for (const code of [codes.qr, codes.typed]) {
      const showing = { ...newMachine(code.kind === "qr" ? "qr_ready" : "pairing_code_ready"), code };
      const { machine, effects } = step(showing, { type: "paired" }, linked);
      expect([machine.state, machine.code, effects]).toEqual(["connecting", null, []]);
    }
  });

  test("a first login that WhatsApp refuses is tried again three times, and then nothing is left of the link", () => {
    const refused: Signal = { type: "closed", reason: { kind: "link_refused" }, code: 401 };
    let machine = newMachine("connecting");
    for (let refusal = 1; refusal <= 3; refusal++) {
      const waiting = step(machine, refused, linked);
      expect(waiting.machine).toMatchObject({ state: "waiting", reason: "connection_lost" });
      machine = step(waiting.machine, { type: "retry" }, linked).machine;
    }
    expect(step(machine, refused, linked)).toMatchObject({
      machine: { state: "error", reason: "pairing_failed" },
      effects: [{ type: "cancel_retry" }, { type: "erase_credentials" }, { type: "drop_wish" }],
    });
  });

  test("a number given for a linked channel is ignored, so its account is not taken for a wrong one", () => {
    const method = { kind: "code", phoneNumber: "15550100001" } as const;
    for (const state of ["inactive", "error", "logged_out"] as const) {
      const { machine } = step(newMachine(state), { type: "start", method }, linked);
      expect(machine).toMatchObject({ state: "connecting", method: { kind: "qr" } });
    }
  });

  test("a number switches pairing from a QR code to a pairing code; a second plain connect is ignored", () => {
    const showing = { ...newMachine("qr_ready"), code: codes.qr };
    const plain: Signal = { type: "start", method: { kind: "qr" } };
    expect(step(showing, plain, unlinked)).toEqual({ machine: showing, effects: [] });
    const byNumber: Signal = { type: "start", method: { kind: "code", phoneNumber: "15550100002" } };
    expect(step(showing, byNumber, unlinked).effects).toEqual([
      { type: "request_code", phoneNumber: "15550100002" },
    ]);
  });

  test("a device that has just been linked is unlinked over a new connection", () => {
    const showing = { ...newMachine("qr_ready"), code: codes.qr };
    const { machine, effects } = step(showing, { type: "unlink", cause: "logout" }, linked);
    expect(machine).toMatchObject({ state: "connecting", code: null, unlink: { cause: "logout" } });
    expect(effects.map(({ type }) => type)).toEqual([
      ...["cancel_retry", "close_socket", "open_socket", "drop_wish"],
    ]);
    expect(step(machine, { type: "opened" }, linked).effects).toContainEqual({ type: "unlink_device" });
  });
});
