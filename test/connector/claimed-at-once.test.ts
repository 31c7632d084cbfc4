import { expect, test } from "vitest";
import { createSender, type SenderOptions } from "#connector/outbound/sender.ts";
import { type ControlLaneOptions, createControlLane } from "#connector/session/control-lane.ts";
import { eventually } from "#test/support/eventually.ts";
import { sessionScope } from "./session-scope.fixture.ts";

/** A queue without due commands, which keeps what was asked of it. */
function emptyQueue() {
  const claims: unknown[][] = [];
  const claim = async (lanes: unknown, limit: unknown) => {
    claims.push([lanes, limit]);
    return [];
  };
  return { claims, queue: { claim, look: async () => ({ hasQueued: true, hasBegun: false }) } };
}

test("a sender claims 16 sends at once", async () => {
  const { claims, queue } = emptyQueue();
  const options = { queue, sending: () => ({ kind: "logged_out" }) } as unknown as SenderOptions;
  createSender(sessionScope(), options).ring();
  await eventually(() => claims.length === 1);
  expect(claims).toEqual([[[1, 2], 16]]);
});

test("a control lane claims 8 commands at once", async () => {
  const { claims, queue } = emptyQueue();
  createControlLane(sessionScope(), { queue } as unknown as ControlLaneOptions).ring();
  await eventually(() => claims.length === 1);
  expect(claims).toEqual([[[0], 8]]);
});
