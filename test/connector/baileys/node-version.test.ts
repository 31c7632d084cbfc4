import { expect, test } from "vitest";
import { assertNodeVersion } from "#connector/baileys/node-version.ts";

test.each(["24.0.0", "24.21.0", "26.1.0"])("Node %s is accepted", (version) => {
  expect(() => assertNodeVersion(version)).not.toThrow();
});

test.each(["18.20.0", "20.19.0", "22.12.0", "23.9.0"])(
  "Node %s is refused, naming its version",
  (version) => {
    expect(() => assertNodeVersion(version)).toThrow(version);
  },
);
