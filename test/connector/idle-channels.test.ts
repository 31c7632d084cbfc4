import { expect, test } from "vitest";
import { createIdleChannels } from "#connector/idle-channels.ts";

test("a channel is due once it has been idle for the whole time", () => {
  const { due } = createIdleChannels(1_000);
  expect(due(["a", "b"], 0)).toEqual([]);
  expect(due(["a", "b"], 999)).toEqual([]);
  expect(due(["a", "b"], 1_000)).toEqual(["a", "b"]);
});

test("a channel that was busy in between starts over", () => {
  const { due } = createIdleChannels(1_000);
  due(["a", "b"], 0);
  due(["b"], 500);
  expect(due(["a", "b"], 1_000)).toEqual(["b"]);
  expect(due(["a"], 1_999)).toEqual([]);
  expect(due(["a"], 2_000)).toEqual(["a"]);
});

test("a channel that is taken again at once after its release has the whole time again", () => {
  const { due } = createIdleChannels(1_000);
  due(["a"], 0);
  expect(due(["a"], 1_000)).toEqual(["a"]);
  expect(due(["a"], 1_010)).toEqual([]);
  expect(due(["a"], 2_009)).toEqual([]);
  expect(due(["a"], 2_010)).toEqual(["a"]);
});
