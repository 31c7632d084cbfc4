import { expect, test } from "vitest";
import { startChild } from "../support/child.ts";

const script = new URL("./unhandled-rejections.child.ts", import.meta.url);

test("an unhandled rejection does not end the process, and its message is not logged", async () => {
  await using child = startChild(script, ["survives"]);
  expect(await child.ended).toBe(0);
  expect(child.out).toContain("unhandled_rejection");
  expect(child.out).toContain("still there");
  expect(child.out).not.toContain("secret words");
});

test("an unhandled rejection ends a process without `surviveRejections`, so the test above can fail", async () => {
  await using child = startChild(script);
  expect(await child.ended).toBe(1);
  expect(child.out).not.toContain("still there");
});
