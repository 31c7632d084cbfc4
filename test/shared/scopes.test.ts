import { expect, test } from "vitest";
import { coversChannel, hasScope, scopes } from "#shared/scopes.ts";

test("a key has the scopes it was given; admin has every one", () => {
  for (const given of scopes)
    for (const asked of scopes)
      expect([given, asked, hasScope({ scopes: [given], channels: null }, asked)]).toEqual([
        given,
        asked,
        given === asked || given === "admin",
      ]);
});

test("a key without scopes may do nothing", () => {
  for (const scope of scopes) expect(hasScope({ scopes: [], channels: null }, scope)).toBe(false);
});

test("null is every channel, a list is those, and an empty list is none", () => {
  expect(coversChannel({ scopes: [], channels: null }, "a")).toBe(true);
  expect(coversChannel({ scopes: [], channels: ["a", "b"] }, "b")).toBe(true);
  expect(coversChannel({ scopes: [], channels: ["a", "b"] }, "c")).toBe(false);
  expect(coversChannel({ scopes: ["admin"], channels: [] }, "a")).toBe(false);
});
