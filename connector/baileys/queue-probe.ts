import type { BinaryNode, WASocket } from "./baileys.ts";

/** Thrown out of Baileys' queue by what was sent through it: no failure, and nothing to log. */
export class QueueProbed extends Error {
  override readonly name = "QueuePassed";
}

/**
 * Resolves when Baileys' queue of stanzas has come to what is put at its end here. That is a receipt of nobody which ends
 * where its handler first looks at it, so nothing reaches the wire or an event. The queue itself cannot be asked.
 */
export function probeQueue({ ws }: Pick<WASocket, "ws">): Promise<void> {
  return new Promise((resolve) => {
    const receipt: BinaryNode = {
      tag: "receipt",
      // Stanzas that waited at WhatsApp are queued, and so is all that `takeInOrder` hands over.
      attrs: { offline: "0" },
      get content(): never {
        resolve();
        throw new QueueProbed();
      },
    };
    ws.emit("CB:receipt", receipt);
  });
}
