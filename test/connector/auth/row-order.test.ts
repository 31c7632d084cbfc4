import { expect, test } from "vitest";
import { hasPreKey, inSafeOrder, keyId, rowId } from "#connector/auth/row-order.ts";

test("new pre-keys and plaintexts sort first, deletions last, and the rest keeps its order", () => {
  const rows = [
    ["c/pre-key/1", null],
    ["c/session/a", "s"],
    ["c/inbound/m", "p"],
    ["c/pre-key/2", "k"],
    ["c/lid-mapping/x", "l"],
    ["c/session/b", null],
  ] as const;
  expect(inSafeOrder(rows).map(([id]) => id)).toEqual([
    "c/inbound/m",
    "c/pre-key/2",
    "c/session/a",
    "c/lid-mapping/x",
    "c/pre-key/1",
    "c/session/b",
  ]);
});

test("`hasPreKey` is true for a new pre-key and false for a deleted one", () => {
  expect(hasPreKey([["c/pre-key/1", "k"]])).toBe(true);
  expect(
    hasPreKey([
      ["c/pre-key/1", null],
      ["c/session/1", "s"],
    ]),
  ).toBe(false);
});

test("a key id may contain slashes", () => {
  expect(keyId(rowId("c", "app-state-sync-key", "a/b+c="))).toBe("app-state-sync-key:a/b+c=");
});
