import { setImmediate as turn } from "node:timers/promises";
import { makeMutex } from "@whiskeysockets/baileys/lib/Utils/make-mutex.js";
import { expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { endTurnsEarly } from "#connector/baileys/message-turns.ts";
import { markCopy, markEncrypted, traceRelay } from "#connector/baileys/wire-trace.ts";
import { gateFrames } from "#connector/connection/raw-socket.ts";

const to = "15550100001@s.whatsapp.net";

/** A gated socket. `durable` is what a frame made now waits for. */
function gated() {
  const left: string[] = [];
  const raw = { send: (frame: string, _written?: (error?: Error) => void) => void left.push(frame) };
  const state = { durable: Promise.resolve(), failures: 0 };
  gateFrames(
    { ws: { socket: raw } } as unknown as WASocket,
    () => state.durable,
    () => void state.failures++,
  );
  const refused: string[] = [];
  const send = (frame: string) => raw.send(frame, (error) => error && refused.push(frame));
  return { left, refused, raw, state, send };
}

test("a frame leaves when what was queued before it is durable, and those behind it keep their order", async () => {
  const { left, state, send } = gated();
  const first = Promise.withResolvers<void>();
  state.durable = first.promise;
  send("stanza");
  state.durable = Promise.resolve();
  send("ping");
  await turn();
  expect(left).toEqual([]);
  first.resolve();
  await turn();
  expect(left).toEqual(["stanza", "ping"]);
});

test("frames that become durable together share a write", async () => {
  const { left, state, send, raw } = gated();
  const tcp = { writableCorked: 0, cork: () => note("cork", 1), uncork: () => note("uncork", -1) };
  const note = (step: string, corks: number) => {
    left.push(step);
    tcp.writableCorked += corks;
  };
  Object.assign(raw, { _socket: tcp });
  const durable = Promise.withResolvers<void>();
  state.durable = durable.promise;
  for (const frame of ["first", "second", "third"]) send(frame);
  await turn();
  durable.resolve();
  await turn();
  expect(left).toEqual(["cork", "first", "second", "third", "uncork"]);
});

test("a stanza also waits for what covers its relay, and counts as on the wire from its place in the order", async () => {
  const { left, send } = gated();
  const covered = Promise.withResolvers<void>();
  let isHanded = false;
  const relayed = traceRelay(
    to,
    async () => {
      send("query");
      markEncrypted();
      markCopy(to);
      send("stanza");
    },
    {
      covered: covered.promise,
      onHanded: () => {
        isHanded = true;
      },
    },
  );
  await turn();
  expect([left, isHanded]).toEqual([["query"], true]);
  covered.resolve();
  expect(await relayed).toEqual({ isOnWire: true });
  await turn();
  expect(left).toEqual(["query", "stanza"]);
});

test("the receipt of a message does not hold up the next message, which shares its write", async () => {
  const { left, state, raw } = gated();
  const durable = Promise.withResolvers<void>();
  state.durable = durable.promise;
  const wa = { messageMutex: makeMutex() };
  endTurnsEarly(wa);
  const handle = (id: string) =>
    wa.messageMutex.mutex(() => new Promise<void>((written) => raw.send(id, () => written())));
  await Promise.all([handle("first"), handle("second")]);
  expect(left).toEqual([]);
  durable.resolve();
  await turn();
  expect(left).toEqual(["first", "second"]);
});

test("once a wait has failed no frame leaves any more, and the failure is told once", async () => {
  const { left, refused, state, send } = gated();
  state.durable = Promise.reject(new Error("unavailable"));
  state.durable.catch(() => undefined);
  send("stanza");
  state.durable = Promise.resolve();
  send("ping");
  await turn();
  expect({ left, refused, failures: state.failures }).toEqual({
    left: [],
    refused: ["stanza", "ping"],
    failures: 1,
  });
});
