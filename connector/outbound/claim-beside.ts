import { isDeepStrictEqual } from "node:util";
import type { CommandDocument } from "#shared/collections.ts";
import type { ReportUnclaimable } from "../commands/claim.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import { queuedProblems } from "../commands/command-validation.ts";
import type { Clearance, DirectSend } from "../commands/direct-send.ts";
import { isSend, type Send } from "../commands/send-settlement.ts";

export interface ClaimBesideOptions {
  queue: Pick<CommandQueue, "claimOne" | "unclaim">;
  report: ReportUnclaimable;
  /** Called when it is not certain what is claimed: the next owner rescues the send. */
  onError(error: unknown): void;
}

/** The claim took another send, or none. */
class NotClaimedError extends Error {
  override readonly name = "NotClaimedError";
}

/** Whether the document that a change showed may be prepared before it is claimed; `now` is the database's time. */
export function mayGoAhead(document: CommandDocument, now: number): document is Send {
  const isValid = document.state === "queued" && isSend(document) && queuedProblems(document).length === 0;
  return isValid && document.notBefore.getTime() <= now;
}

/**
 * Claims the channel's next send, which should be this one, while it is prepared and encrypted: its message is recorded, and it
 * leaves, once the claim is durable. If another one goes first, or somebody has cancelled it, what was claimed is queued again.
 */
export function claimBeside(
  send: Send,
  account: string,
  { queue, report, onError }: ClaimBesideOptions,
): Send & { direct: DirectSend } {
  const claim = async () => {
    const claimed = await queue.claimOne(account, report);
    const [one] = claimed ?? [];
    if (one && isSame(one, send)) return;
    await queue.unclaim((claimed ?? []).map(({ _id }) => _id));
    throw new NotClaimedError("Another send goes first, or this one is not queued any more");
  };
  const stored = claim();
  const clearance = stored.then(
    (): Clearance => "clear",
    (error): Clearance => {
      if (error instanceof NotClaimedError) return "not_claimed";
      throw error;
    },
  );
  clearance.catch(onError);
  return { ...send, direct: { stored, clearance } };
}

/** Whether the claim took what was prepared, as it was queued then. */
function isSame(claimed: Send, { ord, expiresAt, payload, ...send }: Send): boolean {
  const isId = claimed._id === send._id && claimed.messageId === send.messageId;
  const isKind = claimed.type === send.type && claimed.lane === send.lane;
  const isTime = claimed.ord.equals(ord) && claimed.expiresAt.getTime() === expiresAt.getTime();
  return isId && isKind && isTime && isDeepStrictEqual(claimed.payload, payload);
}
