import { Timestamp } from "mongodb";
import { expect, test } from "vitest";
import type { Account } from "#infra/sandbox/account.ts";
import type { DecryptFailure } from "#infra/sandbox/ledger/failures.ts";
import type { OutgoingRecord } from "#infra/sandbox/ledger/outgoing.ts";
import type { CommandDocument, EventDocument } from "#shared/collections.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Facts, Outcome, SocketWithProcess } from "./facts.ts";
import { checks } from "./promises/all.ts";
import type { Check } from "./promises/check.ts";
import { failOver } from "./promises/fail-over.ts";
import { finalStates } from "./promises/final-states.ts";
import { inboundOnce } from "./promises/inbound.ts";
import { keptOnce } from "./promises/kept.ts";
import { once } from "./promises/once.ts";
import { oneSocket } from "./promises/one-socket.ts";
import { order } from "./promises/order.ts";
import { ratchets } from "./promises/ratchets.ts";
import { readableKeys } from "./promises/readable-keys.ts";
import { replayed } from "./promises/replay.ts";
import { unlinked } from "./promises/unlinked.ts";
import type { Unlinking } from "./unlinkings.ts";

const began = 1_000_000;
const reader = "15553000000";
const account = (phoneNumber: string) => ({ phoneNumber }) as Account;
const channel: ChaosChannel = {
  index: 0,
  channelId: "channel",
  phone: account("15552000000"),
  contacts: [account(reader)],
};

/** The send with this number, delivered without any problem. */
function sent(number: number): Outcome & { command: CommandDocument; wire: [OutgoingRecord] } {
  const at = began + number * 1_000;
  const text = `message ${number}`;
  const id = `ID${number}`;
  const ids = { commandId: `command-${number}`, messageId: id };
  return {
    send: {
      ...{ text, channel, to: reader, stream: "http", number, ...ids },
      ...{ askedAt: at, acceptedAt: at, claimed: null, answers: [] },
    },
    command: {
      ...{ _id: `command-${number}`, channelId: channel.channelId, type: "message.send", lane: 1 },
      ...{ ord: new Timestamp({ t: number, i: 1 }), state: "succeeded", messageId: id, attempts: 1 },
    } as CommandDocument,
    wire: [
      {
        ...{ number, id, from: channel.phone.phoneNumber, deviceId: 1, to: reader, group: null, text },
        ...{ copies: 1, resent: 0, refused: 0, refusedWith: null, retriesAsked: 0, receipts: [] },
        ...{ seenAt: at, arrivedAt: at, order: number, shownAt: at, shownOrder: number },
      },
    ],
  };
}

const incoming = (seq: number, message: string, epoch = 1): EventDocument => ({
  ...{ _id: `event-${seq}`, channelId: channel.channelId, seq, epoch, type: "incoming_message" },
  ...{ ord: new Timestamp({ t: seq, i: 1 }), timestamp: new Date(began), data: { message } },
});

const outgoing = (seq: number, messageId: string, message: string): EventDocument => ({
  ...incoming(seq, message, 2),
  type: "outgoing_message",
  data: { messageId, message },
});

const row = (text: string) =>
  ({ channelId: channel.channelId, messageId: text, direction: "in", text }) as const;

const socket = (id: string, process: string, loggedInAt: number, endedAt: number | null) =>
  ({
    ...{ id, remotePort: 1, openedAt: loggedInAt, phoneNumber: channel.phone.phoneNumber, deviceId: 1 },
    ...{ loggedInAt, lastHeardAt: loggedInAt, endedAt, reason: null, process },
  }) as SocketWithProcess;

const inbound = (number: number) => ({
  ...{ text: `in ${number}`, id: `IN${number}`, channel, from: reader, number, at: began },
});

/** An unlinking that was confirmed when the phone listed no device any more. */
const unlinking = (kind: Unlinking["kind"], devices = 0): Unlinking => ({
  ...{ kind, channelId: kind, unanswered: 1, askedAt: began, confirmedAt: began + 500, devicesThen: devices },
  phone: { phoneNumber: "15554000000", devices: () => Array.from({ length: devices }) } as Account,
});

const killedAt = began + 5_000;

/** The facts of a run without any violation. */
function good(): Facts & { outcomes: ReturnType<typeof sent>[]; sockets: SocketWithProcess[] } {
  const outcomes = [sent(1), sent(2), sent(3)];
  const log = [
    incoming(1, "in 1"),
    incoming(2, "in 2", 2),
    ...outcomes.map(({ send }, index) => outgoing(3 + index, send.messageId ?? "", send.text)),
  ];
  const received = { channelId: channel.channelId, from: 0, seqs: [1, 2, 3, 4, 5], resyncs: 0 };
  return {
    channels: [channel],
    outcomes,
    messages: [...outcomes.map(({ send }) => send.text), "in 1", "in 2"].map(row),
    inbound: [inbound(1), inbound(2)],
    faults: [
      {
        kind: "connector killed, restarted under a new name after the takeover",
        ...{ target: "connector-0", from: killedAt, to: killedAt + 30_000, failed: null },
      },
    ],
    clients: [
      { name: "client", received: new Map([["channel", received]]), connections: 1, hasAll: () => true },
    ],
    unlinkings: [unlinking("logout"), unlinking("delete")],
    events: new Map([["channel", log]]),
    incoming: [],
    sockets: [
      socket("s1", "connector-0", began, killedAt + 5),
      socket("s2", "connector-1", killedAt + 18_000, null),
    ],
    overlaps: [],
    reusedRatchetCounters: 0,
    decryptFailures: [],
  };
}

type Good = ReturnType<typeof good>;

const first = ({ outcomes }: Good) => outcomes[0] ?? sent(1);

/** Violations, with the check that must find each. */
const violations: [string, Check, (facts: Good) => Partial<Facts>][] = [
  [
    "an accepted send without a command",
    finalStates,
    (facts) => ({ outcomes: [{ ...first(facts), command: null }] }),
  ],
  ["a send that is still queued", finalStates, (facts) => withState(facts, "queued")],
  ["a failed send that arrived", finalStates, (facts) => withState(facts, "failed")],
  ["an expired send that arrived", finalStates, (facts) => withState(facts, "expired")],
  [
    "a succeeded send that never arrived",
    finalStates,
    (facts) => ({ outcomes: [{ ...first(facts), wire: [] }] }),
  ],
  ["a message sent under two ids", once, (facts) => withWire(facts, (one) => [one, { ...one, id: "OTHER" }])],
  [
    "a message sent three times under one id",
    once,
    (facts) => withWire(facts, (one) => [{ ...one, copies: 3 }]),
  ],
  [
    "a send that was never announced",
    keptOnce,
    () => ({ events: log(incoming(1, "in 1"), incoming(2, "in 2")) }),
  ],
  [
    "a send that was announced twice",
    keptOnce,
    ({ events }) => ({ events: log(...(events.get("channel") ?? []), outgoing(9, "ID1", "message 1")) }),
  ],
  [
    "a status before its announcement",
    keptOnce,
    ({ events }) => ({
      events: log(
        { ...incoming(1, ""), type: "message_status_update", data: { messageId: "ID1", status: "sent" } },
        ...(events.get("channel") ?? []),
      ),
    }),
  ],
  ["a message without a row", keptOnce, ({ messages }) => ({ messages: messages.slice(1) })],
  ["a message with two rows", keptOnce, ({ messages }) => ({ messages: [...messages, row("in 2")] })],
  ["a later send that arrived first", order, (facts) => ({ outcomes: facts.outcomes.map(reversed) })],
  ["an inbound message without an event", inboundOnce, () => ({ events: log(incoming(1, "in 1")) })],
  [
    "an inbound message with two events",
    inboundOnce,
    () => ({ events: log(incoming(1, "in 1"), incoming(2, "in 2"), incoming(3, "in 2")) }),
  ],
  [
    "a chat published out of order",
    inboundOnce,
    () => ({ events: log(incoming(1, "in 2"), incoming(2, "in 1")) }),
  ],
  ["a client that misses an event", replayed, (facts) => withSeqs(facts, [1])],
  ["a client that receives an event twice", replayed, (facts) => withSeqs(facts, [1, 2, 2])],
  ["a client that receives events out of order", replayed, (facts) => withSeqs(facts, [2, 1])],
  ["a channel with two live sockets", oneSocket, overlapping],
  [
    "an event of a deposed owner after one of its successor",
    oneSocket,
    () => ({ events: log(incoming(1, "in 1", 2), incoming(2, "in 2", 1)) }),
  ],
  ["a ratchet counter used twice", ratchets, () => ({ reusedRatchetCounters: 1 })],
  ["a message that was never decrypted", ratchets, () => ({ decryptFailures: [neverDecrypted] })],
  [
    "a logout that is confirmed while the phone lists the device",
    unlinked,
    () => ({ unlinkings: [{ ...unlinking("logout"), devicesThen: 1 }] }),
  ],
  [
    "a delete that is never confirmed",
    unlinked,
    () => ({ unlinkings: [{ ...unlinking("delete"), confirmedAt: null, devicesThen: null }] }),
  ],
  ["a device that is never unlinked", unlinked, () => ({ unlinkings: [unlinking("delete", 1)] })],
  [
    "a channel taken by a connector with another key",
    readableKeys,
    () => ({ faults: [], events: log(incoming(1, "in 1"), unreadable()) }),
  ],
  ["a channel that no connector took over", failOver, ({ sockets }) => ({ sockets: sockets.slice(0, 1) })],
  [
    "a channel taken over too late",
    failOver,
    ({ sockets }) => ({
      sockets: [...sockets.slice(0, 1), socket("s2", "connector-1", killedAt + 21_000, null)],
    }),
  ],
];

const unreadable = (): EventDocument => ({
  ...incoming(2, ""),
  ...{ type: "connection_update", data: { status: "error", reason: "credentials_unreadable" } },
});

const neverDecrypted: DecryptFailure = {
  ...{ id: "IN1", from: `${reader}:0`, to: "15552000000:1", at: began },
  ...{ reader: "linked", isForced: false, repairedAt: null },
};

const log = (...events: EventDocument[]) => new Map([[channel.channelId, events]]);

function withState(facts: Good, state: CommandDocument["state"]): Partial<Facts> {
  const outcome = first(facts);
  return { outcomes: [{ ...outcome, command: { ...outcome.command, state } }] };
}

function withWire(facts: Good, change: (record: OutgoingRecord) => OutgoingRecord[]): Partial<Facts> {
  const outcome = first(facts);
  return { outcomes: [{ ...outcome, wire: change(outcome.wire[0]) }] };
}

function withSeqs({ clients }: Good, seqs: number[]): Partial<Facts> {
  const received = { channelId: channel.channelId, from: 0, seqs, resyncs: 0 };
  return { clients: clients.map((each) => ({ ...each, received: new Map([["channel", received]]) })) };
}

/** Makes the last send arrive first. */
function reversed(outcome: ReturnType<typeof sent>): Outcome {
  const order = 10 - outcome.send.number;
  return { ...outcome, wire: [{ ...outcome.wire[0], order, arrivedAt: began + order }] };
}

function overlapping({ sockets: [former, next] }: Good): Partial<Facts> {
  if (!former || !next) return {};
  const { phoneNumber } = channel.phone;
  return { overlaps: [{ phoneNumber, deviceId: 1, former, next, at: began, silentMs: 0 }] };
}

test("a run without any violation keeps every promise", () => {
  expect(checks.flatMap((check) => check(good()).violations)).toEqual([]);
});

test.each(violations)("%s breaks its promise", (_, check, change) => {
  const facts = good();
  expect(check({ ...facts, ...change(facts) }).violations).not.toEqual([]);
});

/** The assumed times of a quiet machine, by the CPU time of a start: a bare process takes `importMs`, the channels come back after. */
const quietMachine = { importMs: 420, backAfterMs: [1_250, 1_300, 1_360, 1_430] };

/** The facts of a restart under the same name whose channels came back so long after it. */
function restartedUnderItsName(backAfterMs: readonly number[], importMs?: number): Good {
  const kind = "connector killed, restarted at once under its name";
  const fault = { kind, target: "connector-0", from: killedAt, to: killedAt + 5, failed: null } as const;
  const sockets = backAfterMs.flatMap((ms, index) => {
    const mine = { phoneNumber: `1555200000${index}` };
    return [
      { ...socket(`before ${index}`, "connector-0", began, killedAt + 5), ...mine },
      { ...socket(`after ${index}`, "connector-0", killedAt + ms, null), ...mine },
    ];
  });
  return { ...good(), sockets, faults: [{ ...fault, ...(importMs === undefined ? {} : { importMs }) }] };
}

test("a restart under the same name is measured by what the machine gives to a starting process", () => {
  const { importMs, backAfterMs } = quietMachine;
  expect(failOver(restartedUnderItsName(backAfterMs, importMs)).violations).toEqual([]);
  const busy = backAfterMs.map((ms) => 4 * ms);
  expect(failOver(restartedUnderItsName(busy, 4 * importMs)).violations).toEqual([]);
  expect(failOver(restartedUnderItsName(busy, importMs)).violations).toHaveLength(busy.length);
});

test.each([
  ["a quiet machine", 1],
  ["one that is ten times as slow", 10],
])("one second more of work at a restart breaks the promise for every channel on %s", (_machine, times) => {
  const { importMs, backAfterMs } = quietMachine;
  const later = backAfterMs.map((ms) => (ms + 1_000) * times);
  expect(failOver(restartedUnderItsName(later, importMs * times)).violations).toHaveLength(later.length);
});

test("a restart without a measure is in time for no channel", () => {
  expect(failOver(restartedUnderItsName(quietMachine.backAfterMs)).violations).toHaveLength(4);
});

test("a paused connector cannot close its socket: its overlap with the takeover breaks no promise", () => {
  const facts = good();
  const paused = { target: "connector-0", from: began - 20_000, to: began + 1_000, failed: null };
  const faults = [{ kind: "connector paused and resumed" as const, ...paused }];
  expect(oneSocket({ ...facts, faults, ...overlapping(facts) }).violations).toEqual([]);
});
