import pLimit from "p-limit";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { BinaryNode, WASocket } from "./baileys.ts";

type Mutex = Pick<WASocket["receiptMutex"], "mutex">;

/**
 * How many are handled at once, and how many may wait: of one contact or kind, and in all. Beyond, they are dropped for good.
 * A phone that was set up anew asks for everything that it missed at once.
 */
const atOnceMax = 16;
const waitingOfOneMax = 512;
const waitingMax = 2_048;

/**
 * Handles receipts and notifications that make Baileys ask WhatsApp beside the others: a message that a contact wants again,
 * a contact's new identity, pre-keys that run low, changed app state. Baileys handles them in turn, so that one unanswered
 * query holds up the statuses of all chats for 30 s, and those that came while we were offline even messages.
 */
export function handleBeside(
  wa: Pick<WASocket, "ws"> & { receiptMutex: Mutex; notificationMutex: Mutex },
): void {
  const beside = createBeside();
  /** The key of the stanza that is being delivered, if it is to be handled beside the others. */
  let delivered: string | null = null;
  for (const tag of ["CB:receipt", "CB:notification"]) {
    wa.ws.prependListener(tag, (stanza: BinaryNode) => {
      delivered = keyOf(stanza);
      // Sends it past Baileys' queue for what came while we were offline. A contact's new identity is not asked for there.
      if (delivered && !isIdentity(stanza)) delete stanza.attrs.offline;
    });
    // Baileys' own listener has begun to handle it by then.
    wa.ws.on(tag, () => {
      delivered = null;
    });
  }
  for (const own of [wa.receiptMutex, wa.notificationMutex]) {
    const inTurn = own.mutex;
    own.mutex = (code) => (delivered === null ? inTurn(code) : beside(delivered, code));
  }
}

function keyOf({ tag, attrs }: BinaryNode): string | null {
  const contact = attrs.participant ?? attrs.from ?? "";
  if (tag === "receipt") return attrs.type === "retry" ? `retry ${contact}` : null;
  const { type = "" } = attrs;
  return ["encrypt", "server_sync", "privacy_token"].includes(type) ? `${type} ${contact}` : null;
}

function isIdentity({ attrs: { type, from = "" } }: BinaryNode): boolean {
  return type === "encrypt" && !from.startsWith("@");
}

/** Runs work of one key in order, and that of different keys side by side. */
function createBeside() {
  const atOnce = pLimit(atOnceMax);
  const inOrder = createKeyedQueue();
  const waiting = new Map<string, number>();
  let all = 0;
  return async <T>(key: string, work: () => Promise<T> | T): Promise<T> => {
    const ofOne = waiting.get(key) ?? 0;
    if (all >= waitingMax || ofOne >= waitingOfOneMax) throw new Error("Too many requests wait for WhatsApp");
    all++;
    waiting.set(key, ofOne + 1);
    try {
      return await inOrder(key, () => atOnce(async () => await work()));
    } finally {
      all--;
      const left = (waiting.get(key) ?? 1) - 1;
      if (left === 0) waiting.delete(key);
      else waiting.set(key, left);
    }
  };
}
