import { AsyncLocalStorage } from "node:async_hooks";
import type { WASocket } from "./baileys.ts";
import type { JournaledPart } from "./journaled-part.ts";

/** A message that Baileys handles while all later ones wait for it. */
interface Turn {
  isHandedOver: boolean;
  left: PromiseWithResolvers<void>;
  /** What was decrypted of the message. */
  parts: JournaledPart[];
  timer?: NodeJS.Timeout;
}

const current = new AsyncLocalStorage<Turn>();

/** How long what follows the hand-over, such as a download, keeps later messages waiting. */
const afterHandOverMs = 2_000;

/** Marks that the message whose turn it is was handed over: from then on nothing depends on its turn. */
export function markHandedOver(): void {
  const turn = current.getStore();
  if (!turn || turn.isHandedOver) return;
  turn.isHandedOver = true;
  turn.timer = setTimeout(turn.left.resolve, afterHandOverMs);
}

/** Keeps a part of the message whose turn it is. */
export function noteDecrypted(part: JournaledPart): void {
  current.getStore()?.parts.push(part);
}

/** What was decrypted of the message whose turn it is. */
export function decryptedParts(): readonly JournaledPart[] {
  return current.getStore()?.parts ?? [];
}

/** Whether all later messages wait for the current work. */
export function isAwaited(): boolean {
  const turn = current.getStore();
  return turn !== undefined && !turn.isHandedOver;
}

/** Call it for every frame that is written. Ends the turn of a message that was handed over: it asks WhatsApp. */
export function leaveTurn(): void {
  const turn = current.getStore();
  if (turn?.isHandedOver) turn.left.resolve();
}

/**
 * Lets later messages pass one that was handed over and waits for the network. Baileys syncs app state and downloads history
 * in a message's turn, so that a channel whose query is not answered received nothing any more.
 */
export function endTurnsEarly({ messageMutex }: Pick<WASocket, "messageMutex">): void {
  const inTurn = messageMutex.mutex.bind(messageMutex);
  messageMutex.mutex = async <T>(code: () => Promise<T> | T): Promise<T> => {
    const result = Promise.withResolvers<T>();
    result.promise.catch(() => undefined);
    await inTurn(async () => {
      const turn: Turn = { isHandedOver: false, left: Promise.withResolvers(), parts: [] };
      const working = current.run(turn, async () => await code());
      working.then(result.resolve, result.reject);
      await Promise.race([working.catch(() => undefined), turn.left.promise]);
      clearTimeout(turn.timer);
      // A caller that waits for a message which left its turn waits for the hand-over alone.
      if (turn.isHandedOver) result.resolve(undefined as T);
    });
    return await result.promise;
  };
}
