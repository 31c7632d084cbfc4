import type { BinaryNode, WASocket } from "./baileys.ts";

/** The outcome of a query. Only `result` means that WhatsApp did what it was asked. */
export type Answer =
  | { kind: "result"; node: BinaryNode }
  /** `code` is null when the error carries none. */
  | { kind: "refused"; code: number | null }
  /** Nothing came in time, or the socket ended before. */
  | { kind: "unanswered" };

/**
 * Sends a query and waits for its answer. Baileys resolves a query that timed out to `undefined`, and one whose answer is an
 * error without a body as if it were a result. Never rejects.
 */
export async function ask(wa: Pick<WASocket, "query">, query: BinaryNode, answerMs: number): Promise<Answer> {
  try {
    const node: BinaryNode | undefined = await wa.query(query, answerMs);
    if (!node) return { kind: "unanswered" };
    return node.attrs.type === "result" ? { kind: "result", node } : { kind: "refused", code: null };
  } catch (error) {
    const code = errorCode(error);
    return code === undefined ? { kind: "unanswered" } : { kind: "refused", code };
  }
}

/** The code with which Baileys rejects for an answer that is an error: its `data` is a number, NaN for want of a code. */
function errorCode(error: unknown): number | null | undefined {
  if (!(error instanceof Error && "data" in error && typeof error.data === "number")) return undefined;
  return Number.isNaN(error.data) ? null : error.data;
}
