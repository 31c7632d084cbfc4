import type { Send } from "../commands/send-settlement.ts";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import { chatOf } from "./chat-of.ts";
import { createPatience, type Patience } from "./patience.ts";
import type { SendAttempt, SendTurn } from "./try-in-place.ts";

/** A send that is being prepared. */
export interface Preparing<T> {
  prepared: Promise<T>;
  /** Over when later sends may overtake this one. */
  patience: Patience;
}

/** Carries sends to the wire: those of a chat in order, those of different chats side by side, one at a time on the wire. */
export interface Carriage extends SendTurn {
  prepare<T>(send: Send, work: () => Promise<T>): Preparing<T>;
  /**
   * Runs `trip` when the earlier sends to the chat are through. Resolves to what it resolves to: whether the send is settled
   * or on the wire; to false when it must not go out by then.
   */
  carry(
    attempt: SendAttempt,
    patience: Patience,
    trip: (attempt: SendAttempt) => Promise<boolean>,
  ): Promise<boolean>;
}

/** `overtakeMs`: how long a send that is not ready keeps later sends to other chats waiting. */
export function createCarriage(overtakeMs: number): Carriage {
  const inOrder = createKeyedQueue();
  const patiences = new WeakMap<Send, Patience>();
  /** How many sends of each chat are carried, and whether one was given up meanwhile: those behind it try once. */
  const chats = new Map<string, { sends: number; hasGivenUp: boolean }>();

  return {
    async inTurn(send, step) {
      const patience = patiences.get(send);
      patience?.pause();
      try {
        return await inOrder("wire", step);
      } finally {
        patience?.resume();
      }
    },
    onGaveUp(send) {
      const chat = chats.get(chatOf(send));
      if (chat) chat.hasGivenUp = true;
    },
    prepare(send, work) {
      const prepared = work();
      prepared.catch(() => undefined);
      const patience = createPatience(overtakeMs);
      patiences.set(send, patience);
      return { prepared, patience };
    },
    async carry(attempt, patience, trip) {
      const name = chatOf(attempt.send);
      const chat = chats.get(name) ?? { sends: 0, hasGivenUp: false };
      chats.set(name, chat);
      chat.sends++;
      try {
        return await inOrder(`chat ${name}`, async () => {
          if (!attempt.canSend()) return false;
          return await trip({ ...attempt, isLastTry: chat.hasGivenUp });
        });
      } finally {
        patience.pause();
        if (--chat.sends === 0) chats.delete(name);
      }
    },
  };
}
