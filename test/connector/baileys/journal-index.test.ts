import { expect, test } from "vitest";
import { createJournalIndex } from "#connector/baileys/journal-index.ts";

test("every row may be stored until the stored rows are known", () => {
  const index = createJournalIndex();
  index.writing("mine");
  expect([index.mayHave("mine"), index.mayHave("other")]).toEqual([true, true]);
  index.found(["found"]);
  expect(["mine", "found", "other"].map(index.mayHave)).toEqual([true, true, false]);
  index.deleted(["mine", "found"]);
  expect(["mine", "found"].map(index.mayHave)).toEqual([false, false]);
});

test("beyond 50,000 rows every row may be stored, even after `found`", () => {
  const index = createJournalIndex();
  index.found([]);
  for (let row = 0; row <= 50_000; row++) index.writing(`row ${row}`);
  index.found(["found"]);
  expect(["row 0", "other"].map(index.mayHave)).toEqual([true, true]);
});
