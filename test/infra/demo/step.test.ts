import { expect, test } from "vitest";
import { printedSteps, StepError } from "#infra/demo/step.ts";

/** Steps whose every look at the clock is 1,234.4 ms later than the one before. */
function steps() {
  const lines: string[] = [];
  let clock = 0;
  const printed = printedSteps({ write: (text) => lines.push(text) }, () => {
    clock += 1_234.4;
    return clock;
  });
  return { lines, ...printed };
}

test("a step is one line with its words, its time and what came of it, and passes on what it found", async () => {
  const { lines, run } = steps();
  expect(
    await run(
      "send a text",
      async () => ({ id: "3EB0" }),
      ({ id }) => id,
    ),
  ).toEqual({ id: "3EB0" });
  expect(lines).toEqual([expect.stringMatching(/^ {2}✓ send a text +1234 ms {2}3EB0\n$/)]);
});

test("times stand below each other, whatever the steps are called", async () => {
  const { lines, run } = steps();
  await run("short", async () => 1);
  await run("a step with many more words", async () => 2);
  const [first = "", second = ""] = lines;
  expect(first.indexOf(" ms")).toBe(second.indexOf(" ms"));
});

test("a step that fails has a line too, and says in its words what failed", async () => {
  const { lines, run } = steps();
  const cause = new Error("no qr_code within 20 s");
  const failed = run("the QR arrives", () => Promise.reject(cause));
  await expect(failed).rejects.toThrow(StepError);
  await expect(failed).rejects.toMatchObject({ message: "the QR arrives: no qr_code within 20 s", cause });
  expect(lines).toEqual([expect.stringMatching(/^ {2}✗ the QR arrives +1234 ms\n$/)]);
});

test("what cannot be shown fails the step as well", async () => {
  const { run } = steps();
  const show = () => {
    throw new Error("nothing to show");
  };
  await expect(run("look", async () => 1, show)).rejects.toMatchObject({ message: "look: nothing to show" });
});

test("what is thrown may be anything", async () => {
  const { run } = steps();
  await expect(run("look", () => Promise.reject("words"))).rejects.toMatchObject({ message: "look: words" });
});
