import pLimit from "p-limit";
import { expect, test } from "vitest";
import { defaultLimits } from "#connector/gateway/limits.ts";
import { type Replay, replay } from "#connector/gateway/replay.ts";
import { quiet } from "#test/support/quiet-log.ts";

test("no more pages of missed events are read at once than all clients may", async () => {
  const gate = Promise.withResolvers<void>();
  let reading = 0;
  const rows = {
    async toArray() {
      reading++;
      await gate.promise;
      return [{ seq: 1, type: "outgoing_message", timestamp: new Date(), data: {} }];
    },
  };
  const context = {
    ...{ audiences: [], buffer: { seq: 1 }, join: () => undefined, limits: defaultLimits, log: quiet },
    client: {
      socket: { connected: true },
      connection: { unsent: { bytes: 0, drained: async () => true } },
    },
    ...{ feed: { channelId: "channel" }, db: { events: { find: () => rows } }, reads: pLimit(2) },
  } as unknown as Replay;
  const replays = Array.from({ length: 5 }, () => replay(context, 0));
  await new Promise(setImmediate);
  expect(reading).toBe(2);
  gate.resolve();
  expect(await Promise.all(replays)).toEqual([true, true, true, true, true]);
});
