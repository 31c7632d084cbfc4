import { expect, test } from "vitest";
import { isIdle, isMovable, newMachine, type StateName } from "#connector/machine/machine.ts";

test.each<[StateName, boolean, boolean]>([
  ["inactive", true, false],
  ["connecting", false, false],
  ["qr_ready", false, false],
  ["pairing_code_ready", false, false],
  ["active", false, true],
  ["waiting", false, false],
  ["error", true, false],
  ["logged_out", true, false],
])("%s: idle %s, movable %s", (state, idle, movable) => {
  expect([isIdle(newMachine(state)), isMovable(newMachine(state))]).toEqual([idle, movable]);
});

test("a channel with unreadable credentials is not idle: the next owner would publish the same again", () => {
  expect(isIdle(newMachine("error", "credentials_unreadable"))).toBe(false);
});
