import { createTurnsByKey } from "../concurrency/turns-by-key.ts";
import type { SignalKeyStore } from "./baileys.ts";

/** Runs a task when those before it have settled. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>;

const turns = new WeakMap<SignalKeyStore, Turn>();

/**
 * The turns of one key store, the same for every socket on it: a socket that ended may be in the middle of a
 * transaction while the next one begins, and of two that read one ratchet the later write undoes the other.
 */
export function turnsOf(store: SignalKeyStore): Turn {
  const known = turns.get(store);
  if (known) return known;
  const inTurn = createTurnsByKey();
  const turn: Turn = (task) => inTurn("", task);
  turns.set(store, turn);
  return turn;
}
