import { expect, test } from "vitest";
import { ask } from "#connector/baileys/ask.ts";
import type { BinaryNode } from "#connector/baileys/baileys.ts";

const query: BinaryNode = { tag: "iq", attrs: { type: "set", xmlns: "md" } };
const result: BinaryNode = { tag: "iq", attrs: { type: "result" } };
/** As Baileys rejects for an answer that holds an error: the code is the `data` of the error. */
const errorOf = (code: string | undefined) => Object.assign(new Error("refused"), { data: Number(code) });

/** The result or error of Baileys' `query`, and the outcome. */
const rows: Array<[string, () => Promise<BinaryNode | undefined>, object]> = [
  ["a result", async () => result, { kind: "result", node: result }],
  ["a timeout", async () => undefined, { kind: "unanswered" }],
  ["an error with a code", () => Promise.reject(errorOf("406")), { kind: "refused", code: 406 }],
  ["an error without a code", () => Promise.reject(errorOf(undefined)), { kind: "refused", code: null }],
  [
    "an answer that is an error and says no more",
    async () => ({ tag: "iq", attrs: { type: "error" } }),
    { kind: "refused", code: null },
  ],
  [
    "the end of the socket",
    () => Promise.reject(Object.assign(new Error("Connection Closed"), { data: null })),
    { kind: "unanswered" },
  ],
  ["an error of another kind", () => Promise.reject(new Error("boom")), { kind: "unanswered" }],
];

test.each(rows)("%s is told apart from the others", async (_, answer, expected) => {
  await expect(ask({ query: answer as never }, query, 1_000)).resolves.toEqual(expected);
});

test("the answer is awaited for as long as the caller says", async () => {
  const waits: unknown[] = [];
  const wa = { query: async (_: BinaryNode, waitMs?: number) => void waits.push(waitMs) };
  await ask({ query: wa.query as never }, query, 5_000);
  expect(waits).toEqual([5_000]);
});
