import { encodedMessage } from "../baileys/arrivals.ts";
import { isChange, type SeenChange } from "../messages/message-changes.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Parties } from "../messages/parties.ts";
import type { TakenIn } from "./taken-in.ts";

/** Keeps what is in the log in the rows of messages. */
export interface KeptMessages {
  /**
   * Resolves when the rows of these messages are stored, and what they change is entered, after all that was given before. Rejects
   * with the database's error.
   */
  keep(published: readonly TakenIn[]): Promise<void>;
  /** Settles when everything given so far is kept, or could not be. */
  idle(): Promise<void>;
}

export interface KeptMessagesOptions {
  messageStore: Pick<MessageStore, "seen" | "changed">;
  parties: Pick<Parties, "isOwn" | "addressesOf">;
}

export function createKeptMessages({ messageStore, parties }: KeptMessagesOptions): KeptMessages {
  let last: Promise<unknown> = Promise.resolve();

  const enter = async (change: SeenChange) => {
    const { author } = change.data;
    const [chats, authors] = await Promise.all([
      parties.addressesOf(change.chat),
      parties.addressesOf(author),
    ]);
    await messageStore.changed(change, { chats, authors: parties.isOwn(author) ? null : authors });
  };
  const keep = async (published: readonly TakenIn[], before: Promise<unknown>) => {
    const rows = published.map(async ({ seen, message }) => {
      if (!isChange(seen)) await messageStore.seen(seen, encodedMessage(message));
    });
    await Promise.all([...rows, before]);
    // One after the other: two may change one message.
    for (const { seen } of published) if (isChange(seen)) await enter(seen);
  };

  return {
    keep(published) {
      const kept = keep(published, last);
      last = kept.catch(() => undefined);
      return kept;
    },
    idle: async () => void (await last),
  };
}
