import type { SignalDataTypeMap } from "../baileys/baileys.ts";
import type { JournaledPart } from "../baileys/journaled-part.ts";

/** The value stored for each key type: Baileys' own types, and the plaintexts of messages not yet in the event log. */
export interface StoredTypes extends SignalDataTypeMap {
  inbound: JournaledPart;
}

export type KeyType = keyof StoredTypes;

/**
 * A crash may leave any prefix of a bulk. New pre-keys are written first, since a session may be built from one, and plaintexts,
 * since a ratchet that has moved cannot decrypt them again; deletions last, since an earlier row may have used what they delete.
 */
const rank: Record<KeyType, number> = {
  "pre-key": 0,
  session: 1,
  "sender-key": 1,
  "identity-key": 1,
  "lid-mapping": 1,
  "sender-key-memory": 1,
  "device-list": 1,
  tctoken: 1,
  "app-state-sync-key": 1,
  "app-state-sync-version": 1,
  inbound: 0,
};
const deletion = 2;

export type Row = readonly [rowId: string, text: string | null];

/** Row ids are `<channelId>/<type>/<id>`; an id may hold further slashes, a channelId and a type none. */
export function rowId(channelId: string, type: KeyType, id: string): string {
  return `${channelId}/${type}/${id}`;
}

/** The longest a row of a type is kept, in ms; rows of other types stay until they are deleted. */
const keptMs: Partial<Record<KeyType, number>> = { inbound: 14 * 86_400_000 };

/** When the database expires a row; null for never. `now` is when it is written. */
export function expiryOf(row: string, now: Date): Date | null {
  const ms = keptMs[typeOf(row) as KeyType];
  return ms === undefined ? null : new Date(now.getTime() + ms);
}

/** Whether a row is read repeatedly, so that caching it pays. */
export function isRepeated(row: string): boolean {
  return typeOf(row) !== "inbound";
}

/** Whether a row may be deleted at any time, by a former owner too: its message is published, and no other has its id. */
export function mayDiscard(row: string): boolean {
  return typeOf(row) === "inbound";
}

/** `<type>:<id>`, the public name of a key row. */
export function keyId(row: string): string {
  const [, type, ...id] = row.split("/");
  return `${type}:${id.join("/")}`;
}

/** Whether the batch writes a pre-key; the credentials' counters must then be written with it. */
export function hasPreKey(rows: Iterable<Row>): boolean {
  return Array.from(rows).some(([id, text]) => text !== null && typeOf(id) === "pre-key");
}

export function inSafeOrder(rows: Iterable<Row>): Row[] {
  return Array.from(rows).sort((a, b) => rankOf(a) - rankOf(b));
}

function rankOf([id, text]: Row): number {
  return text === null ? deletion : (rank[typeOf(id) as KeyType] ?? 1);
}

function typeOf(id: string): string | undefined {
  return id.split("/")[1];
}
