import { expect, test } from "vitest";
import { statusWords } from "#functions/console/status-words.ts";
import { channelStatuses, statusReasons } from "#shared/channel.ts";

test("every status has a label, what happened and what to do", () => {
  for (const status of channelStatuses) {
    const words = statusWords(status, null);
    for (const text of [words.label, words.happened, words.todo]) expect(text).toMatch(/\S/);
  }
});

test("every reason has its own explanation", () => {
  const statuses = Object.keys(statusReasons) as (keyof typeof statusReasons)[];
  for (const status of statuses) {
    const general = statusWords(status, null);
    for (const reason of statusReasons[status]) {
      const words = statusWords(status, reason);
      expect(words.happened, `${status}/${reason}`).not.toBe(general.happened);
      expect(words.label).toBe(general.label);
    }
  }
});

test("the same reason can have different advice in different statuses", () => {
  expect(statusWords("connecting", "replaced").todo).not.toBe(statusWords("error", "replaced").todo);
});

test("a reason that is unknown, or of another status, falls back to the status", () => {
  expect(statusWords("error", "made_up")).toEqual(statusWords("error", null));
  expect(statusWords("active", "banned")).toEqual(statusWords("active", null));
  expect(statusWords("error", "toString")).toEqual(statusWords("error", null));
});
