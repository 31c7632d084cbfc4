import { expect, test } from "vitest";
import { createTurns } from "../../connector/turns.ts";

test("as many as the burst allows go at once; the next has to wait for its turn", async () => {
  const stopping = new AbortController();
  const turn = createTurns(1, 1, stopping.signal);
  await turn();
  let isOver = false;
  const next = turn().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  stopping.abort();
  await next;
});

test("nobody waits for a turn once everything stops", async () => {
  const turn = createTurns(0.001, 1, AbortSignal.abort());
  for (let time = 0; time < 5; time++) await turn();
});
