import { expect, test } from "vitest";
import { hostileContactFuzzer } from "./hostile-contact.fuzzer.ts";

test("random stanzas of a contact never end a session, and the next valid message is delivered", async () => {
  const lines: string[] = [];
  const { failures, passed } = await hostileContactFuzzer.run({
    seed: 1,
    budget: { casesMax: 40, msMax: 6_000 },
    report: (line) => void lines.push(line),
    signal: new AbortController().signal,
  });
  expect(failures, lines.join("\n")).toEqual([]);
  expect(passed).toBeGreaterThan(0);
}, 120_000);
