import type { Send } from "../commands/send-settlement.ts";
import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import { chatOf } from "./chat-of.ts";
import { type FirstSendOptions, firstSend, prepareAttempt, type SendAttempt } from "./first-send.ts";
import { createPatience, type Patience } from "./patience.ts";

export interface CarriageOptions extends Omit<FirstSendOptions, "inTurn" | "onGaveUp"> {
  /** How long a send that is not ready keeps later sends to other chats waiting. */
  overtakeMs: number;
}

/** A send that is being prepared. */
export interface Preparing {
  prepared: Promise<Prepared>;
  /** Over when later sends may overtake this one. */
  patience: Patience;
}

/** Carries sends to the wire: those of a chat in order, those of different chats side by side, one at a time on the wire. */
export interface Carriage {
  prepare(send: Send, socket: OpenSocket): Preparing;
  /** Resolves to whether the send is settled or on the wire; throws the database's error when that is unavailable. */
  carry(attempt: SendAttempt, preparing: Preparing): Promise<boolean>;
}

export function createCarriage(scope: SessionScope, options: CarriageOptions): Carriage {
  const inOrder = createKeyedQueue();
  const patiences = new WeakMap<Send, Patience>();
  /** How many sends of each chat are carried, and whether one was given up meanwhile: those behind it try once. */
  const chats = new Map<string, { sends: number; hasGivenUp: boolean }>();

  const firstOptions: FirstSendOptions = {
    ...options,
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
  };

  return {
    prepare(send, socket) {
      const prepared = prepareAttempt(scope, { send, socket }, options);
      prepared.catch(() => undefined);
      const patience = createPatience(options.overtakeMs);
      patiences.set(send, patience);
      return { prepared, patience };
    },
    async carry(attempt, { prepared, patience }) {
      const name = chatOf(attempt.send);
      const chat = chats.get(name) ?? { sends: 0, hasGivenUp: false };
      chats.set(name, chat);
      chat.sends++;
      try {
        return await inOrder(`chat ${name}`, async () => {
          if (!attempt.canSend()) return false;
          return await firstSend(scope, { ...attempt, isLastTry: chat.hasGivenUp }, prepared, firstOptions);
        });
      } finally {
        patience.pause();
        if (--chat.sends === 0) chats.delete(name);
      }
    },
  };
}
