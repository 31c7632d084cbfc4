/**
 * Which messages have rows in the journal, and when these may go: the message is in the event log, and WhatsApp will not
 * deliver it again. That is so once it has acknowledged the receipt, or has delivered to a later connection everything
 * that waited without it.
 */
export interface JournalRetention {
  /** A connection begins: what it does not deliver again while it catches up, nobody will. */
  connecting(): void;
  /** The message is delivered on the present connection, for the first time or again. */
  arrived(messageId: string): void;
  /** A row of it is stored, or about to be. */
  stored(messageId: string, row: string): void;
  published(messageId: string): void;
  confirmed(messageId: string): void;
  /** All that waited for the present connection has been delivered. */
  caughtUp(): void;
  /** Rows of messages that are in the log. */
  publishedRows(): Set<string>;
}

interface Entry {
  rows: Set<string>;
  connection: number;
  isConfirmed: boolean;
  /** On the monotonic clock; null before. */
  publishedAt: number | null;
}

/** Beyond it, the oldest are let go of; their rows expire. */
const messagesMax = 10_000;
/** A server that does not acknowledge receipts keeps no row longer than this and the next message. */
const unconfirmedMs = 60_000;

/** `drop` is told of rows that are not needed any more. */
export function createJournalRetention(drop: (rows: Iterable<string>) => void): JournalRetention {
  const entries = new Map<string, Entry>();
  let connection = 0;

  const settle = (messageId: string, entry: Entry) => {
    if (entry.publishedAt === null || !entry.isConfirmed) return;
    entries.delete(messageId);
    drop(entry.rows);
  };
  const settleOld = () => {
    for (const [messageId, entry] of entries) {
      const isOld = entry.publishedAt !== null && performance.now() - entry.publishedAt > unconfirmedMs;
      if (!isOld && entries.size <= messagesMax) return;
      entries.delete(messageId);
      if (entry.publishedAt !== null) drop(entry.rows);
    }
  };
  const change = (messageId: string, changes: Partial<Entry>) => {
    const entry = entries.get(messageId);
    if (entry) settle(messageId, Object.assign(entry, changes));
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
      settleOld();
    },
    published: (messageId) => change(messageId, { publishedAt: performance.now() }),
    confirmed: (messageId) => change(messageId, { isConfirmed: true }),
    caughtUp() {
      for (const [messageId, entry] of entries) {
        if (entry.connection === connection) continue;
        entry.isConfirmed = true;
        settle(messageId, entry);
      }
    },
    publishedRows() {
      const published = [...entries.values()].filter(({ publishedAt }) => publishedAt !== null);
      return new Set(published.flatMap(({ rows }) => [...rows]));
    },
  };
}
