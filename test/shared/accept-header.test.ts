import { expect, test } from "vitest";
import { namesType, preferredType } from "#shared/accept-header.ts";

const offered = ["application/json", "image/png", "text/plain"] as const;

test.each([
  [undefined, "application/json"],
  ["*/*", "application/json"],
  ["image/*", "image/png"],
  ["Text/Plain", "text/plain"],
  ["text/plain;q=0.5, image/png;q=0.6", "image/png"],
  ["*/*;q=0.1, text/plain;q=0.2", "text/plain"],
  ["application/json;q=0, */*", "image/png"],
  ["image/png;charset=x;q=0.3, text/*;q=0.2", "image/png"],
  ["text/plain, image/png", "text/plain"],
  ["image/*, text/plain", "text/plain"],
])("Accept %s prefers %s", (accept, type) => {
  expect(preferredType(accept, offered)).toBe(type);
});

test.each(["application/xml", "image/png;q=0", "", "nonsense"])(
  "Accept %s accepts none of the offered types",
  (accept) => {
    expect(preferredType(accept, offered)).toBeNull();
  },
);

test("namesType ignores wildcards and a quality of 0", () => {
  expect(namesType("application/json, application/problem+json", "application/problem+json")).toBe(true);
  expect(namesType("Application/Problem+JSON; charset=utf-8", "application/problem+json")).toBe(true);
  expect(namesType("application/problem+json;q=0", "application/problem+json")).toBe(false);
  expect(namesType("*/*, application/*", "application/problem+json")).toBe(false);
  expect(namesType(undefined, "application/problem+json")).toBe(false);
});
