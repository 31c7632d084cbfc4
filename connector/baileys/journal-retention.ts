/**
 * Tracks the messages that have rows in the journal. A message's rows can be deleted once it is in the event log and
 * WhatsApp will not deliver it again: WhatsApp has acknowledged the receipt, or a later connection has received the
 * whole backlog without it.
 */
export interface JournalRetention {
  /** Starts a connection. A message it has not redelivered by the end of catch-up will never be redelivered. */
  connecting(): void;
  /** The current connection delivers the message, for the first time or again. */
  arrived(messageId: string): void;
  /** A row of the message is stored, or about to be. */
  stored(messageId: string, row: string): void;
  /** The message is in the event log. */
  published(messageId: string): void;
  /** WhatsApp has acknowledged the receipt of the message. */
  confirmed(messageId: string): void;
  /** The current connection has delivered the whole backlog. */
  caughtUp(): void;
  /** The rows of messages that are in the event log. */
  publishedRows(): Set<string>;
}

interface Entry {
  rows: Set<string>;
  connection: number;
  isConfirmed: boolean;
  /** By the monotonic clock; null if not yet published. */
  publishedAt: number | null;
}

/** Beyond this, the oldest messages are no longer tracked; the rows of unpublished ones expire. */
const messagesMax = 10_000;
/** Without an acknowledged receipt, a published message's rows are dropped this late, with the next stored message. */
const unconfirmedMs = 60_000;

/** `drop` receives rows that are no longer needed. */
export function createJournalRetention(drop: (rows: Iterable<string>) => void): JournalRetention {
  const entries = new Map<string, Entry>();
  let connection = 0;

  const dropIfDone = (messageId: string, entry: Entry) => {
    if (entry.publishedAt === null || !entry.isConfirmed) return;
    entries.delete(messageId);
    drop(entry.rows);
  };
  const dropOld = () => {
    for (const [messageId, entry] of entries) {
      const isOld = entry.publishedAt !== null && performance.now() - entry.publishedAt > unconfirmedMs;
      if (!isOld && entries.size <= messagesMax) return;
      entries.delete(messageId);
      if (entry.publishedAt !== null) drop(entry.rows);
    }
  };
  const change = (messageId: string, changes: Partial<Entry>) => {
    const entry = entries.get(messageId);
    if (entry) dropIfDone(messageId, Object.assign(entry, changes));
  };

  return {
    connecting() {
      connection++;
    },
    arrived: (messageId) => change(messageId, { connection, isConfirmed: false }),
    stored(messageId, row) {
      const entry = entries.get(messageId);
      if (entry) return void entry.rows.add(row);
      entries.set(messageId, { rows: new Set([row]), connection, isConfirmed: false, publishedAt: null });
      dropOld();
    },
    published: (messageId) => change(messageId, { publishedAt: performance.now() }),
    confirmed: (messageId) => change(messageId, { isConfirmed: true }),
    caughtUp() {
      for (const [messageId, entry] of entries) {
        if (entry.connection === connection) continue;
        entry.isConfirmed = true;
        dropIfDone(messageId, entry);
      }
    },
    publishedRows() {
      const published = [...entries.values()].filter(({ publishedAt }) => publishedAt !== null);
      return new Set(published.flatMap(({ rows }) => [...rows]));
    },
  };
}
