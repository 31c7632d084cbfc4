import { expect, test } from "vitest";
import { printedSteps, StepError } from "#infra/demo/step.ts";

/** Steps with a clock that advances 1,234.4 ms with each reading. */
function steps() {
  const lines: string[] = [];
  let clock = 0;
  const printed = printedSteps({ write: (text) => lines.push(text) }, () => {
    clock += 1_234.4;
    return clock;
  });
  return { lines, ...printed };
}

test("a step prints one line with its title, time and result, and returns the result", async () => {
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

test("times are aligned whatever the length of the titles", async () => {
  const { lines, run } = steps();
  await run("short", async () => 1);
  await run("a step with many more words", async () => 2);
  const [first = "", second = ""] = lines;
  expect(first.indexOf(" ms")).toBe(second.indexOf(" ms"));
});

test("a failed step prints a line too, and its error starts with its title", async () => {
  const { lines, run } = steps();
  const cause = new Error("no qr_code within 20 s");
  const failed = run("the QR arrives", () => Promise.reject(cause));
  await expect(failed).rejects.toThrow(StepError);
  await expect(failed).rejects.toMatchObject({ message: "the QR arrives: no qr_code within 20 s", cause });
  expect(lines).toEqual([expect.stringMatching(/^ {2}✗ the QR arrives +1234 ms\n$/)]);
});

test("a result that cannot be shown fails the step", async () => {
  const { run } = steps();
  const show = () => {
    throw new Error("nothing to show");
  };
  await expect(run("check", async () => 1, show)).rejects.toMatchObject({
    message: "check: nothing to show",
  });
});

test("a step may throw a value that is not an error", async () => {
  const { run } = steps();
  await expect(run("check", () => Promise.reject("words"))).rejects.toMatchObject({
    message: "check: words",
  });
});
