import { expect, test } from "vitest";
import { createJournalIndex } from "#connector/baileys/journal-index.ts";

test("every row may be stored until it is known which are", () => {
  const rows = createJournalIndex();
  rows.writing("mine");
  expect([rows.mayHave("mine"), rows.mayHave("other")]).toEqual([true, true]);
  rows.found(["found"]);
  expect(["mine", "found", "other"].map(rows.mayHave)).toEqual([true, true, false]);
  rows.deleted(["mine", "found"]);
  expect(["mine", "found"].map(rows.mayHave)).toEqual([false, false]);
});

test("when there are too many to count, every row may be stored, also after the next look", () => {
  const rows = createJournalIndex();
  rows.found([]);
  for (let row = 0; row <= 50_000; row++) rows.writing(`row ${row}`);
  rows.found(["found"]);
  expect(["row 0", "other"].map(rows.mayHave)).toEqual([true, true]);
});
