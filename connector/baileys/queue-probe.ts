import type { BinaryNode, WASocket } from "./baileys.ts";

/** Thrown by the probe when Baileys' queue reaches it: not a failure, and nothing to log. */
export class QueueProbed extends Error {
  override readonly name = "QueueProbed";
}

/**
 * Resolves when Baileys' stanza queue reaches a probe appended to it here: a receipt without a sender, which throws
 * when its handler first reads it, so nothing reaches the wire or an event. The queue itself cannot be inspected.
 */
export function probeQueue({ ws }: Pick<WASocket, "ws">): Promise<void> {
  return new Promise((resolve) => {
    const receipt: BinaryNode = {
      tag: "receipt",
      // Offline stanzas are queued, as is everything that `takeInOrder` hands over.
      attrs: { offline: "0" },
      get content(): never {
        resolve();
        throw new QueueProbed();
      },
    };
    ws.emit("CB:receipt", receipt);
  });
}
