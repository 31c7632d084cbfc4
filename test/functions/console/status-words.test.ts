import { expect, test } from "vitest";
import { statusWords } from "#functions/console/status-words.ts";
import { type ChannelStatus, channelStatuses, statusReasons } from "#shared/channel.ts";

function words(status: ChannelStatus, reason: string | null, phoneNumber: string | null = "15550000001") {
  return statusWords({ status, reason, phoneNumber });
}

test("every status has a label, what happened and what to do", () => {
  for (const status of channelStatuses) {
    const explained = words(status, null);
    for (const text of [explained.label, explained.happened, explained.todo]) expect(text).toMatch(/\S/);
  }
});

test("every reason has its own explanation", () => {
  const statuses = Object.keys(statusReasons) as (keyof typeof statusReasons)[];
  for (const status of statuses) {
    const general = words(status, null);
    for (const reason of statusReasons[status]) {
      const explained = words(status, reason);
      expect(explained.happened, `${status}/${reason}`).not.toBe(general.happened);
      expect(explained.label).toBe(general.label);
    }
  }
});

test("the same reason can have different advice in different statuses", () => {
  expect(words("connecting", "replaced").todo).not.toBe(words("error", "replaced").todo);
});

test("a reason that is unknown, or of another status, falls back to the status", () => {
  expect(words("error", "made_up")).toEqual(words("error", null));
  expect(words("active", "banned")).toEqual(words("active", null));
  expect(words("error", "toString")).toEqual(words("error", null));
});

test("a channel that was never linked is not said to be linked", () => {
  const { happened, todo } = words("inactive", "disconnected", null);
  expect(`${happened} ${todo}`).toMatch(/No phone is linked/);
  // A number can be given before a phone is linked.
  expect(words("inactive", "disconnected").todo).toMatch(/A phone that is linked stays linked/);
});

test("nobody is advised to remove a passkey", () => {
  expect(words("error", "passkey_required").todo).toMatch(/Removing the passkey does not help/);
});
