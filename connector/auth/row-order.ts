import type { SignalDataTypeMap } from "../baileys/baileys.ts";

export type KeyType = keyof SignalDataTypeMap;

/**
 * A crash may leave any prefix of a bulk. New pre-keys go first, since a session may come from one; then everything
 * else; deletions last, since what they delete was used by a row before.
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
};
const deletion = 2;

export type Row = readonly [rowId: string, text: string | null];

/** Row ids are `<channelId>/<type>/<id>`; an id may hold further slashes, a channelId and a type none. */
export function rowId(channelId: string, type: KeyType, id: string): string {
  return `${channelId}/${type}/${id}`;
}

/** `<type>:<id>`, the public name of a key row. */
export function keyId(row: string): string {
  const [, type, ...id] = row.split("/");
  return `${type}:${id.join("/")}`;
}

/** True if the batch has a new or used pre-key, with which the credentials' counters must move. */
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
