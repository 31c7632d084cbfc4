import { expect, test } from "vitest";
import { contentEncodings, preferredEncoding } from "#shared/accept-encoding.ts";

test.each([
  [undefined, null],
  ["", null],
  ["gzip, deflate, br, zstd", "br"],
  ["gzip;q=1, br;q=0.5", "br"],
  ["GZIP", "gzip"],
  ["*", "br"],
  ["br;q=0, *", "gzip"],
  ["*;q=0", null],
  ["identity", null],
  ["identity;q=0, gzip", "gzip"],
  ["identity, gzip;q=0.9", null],
  ["gzip;q=0", null],
  ["x-gzip, deflate", null],
])("Accept-Encoding %o selects %o", (header, encoding) => {
  expect(preferredEncoding(header, contentEncodings)).toBe(encoding);
});

test("an encoding that is not offered is never selected", () => {
  expect(preferredEncoding("br, gzip", ["gzip"])).toBe("gzip");
  expect(preferredEncoding("br", ["gzip"])).toBeNull();
  expect(preferredEncoding("br, gzip", [])).toBeNull();
});
