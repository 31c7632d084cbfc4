import { expect, test } from "vitest";
import { coversChannel, hasScope, scopes } from "#shared/scopes.ts";

test("a key has the scopes it was given, and `admin` has every scope", () => {
  for (const given of scopes)
    for (const wanted of scopes)
      expect([given, wanted, hasScope({ scopes: [given], channels: null }, wanted)]).toEqual([
        given,
        wanted,
        given === wanted || given === "admin",
      ]);
});

test("a key without scopes has none", () => {
  for (const scope of scopes) expect(hasScope({ scopes: [], channels: null }, scope)).toBe(false);
});

test("`channels` null covers every channel, a list only those, an empty list none", () => {
  expect(coversChannel({ scopes: [], channels: null }, "a")).toBe(true);
  expect(coversChannel({ scopes: [], channels: ["a", "b"] }, "b")).toBe(true);
  expect(coversChannel({ scopes: [], channels: ["a", "b"] }, "c")).toBe(false);
  expect(coversChannel({ scopes: ["admin"], channels: [] }, "a")).toBe(false);
});
