import { type AnyBulkWriteOperation, Binary, type ClientSession, type Collection, type Db } from "mongodb";
import { collectionNames, fenceId } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { oncePer } from "#shared/once-per.ts";
import { dateOf, type Fence, FencedError, fencedError, fenceOperation } from "../ownership/fence.ts";
import {
  type AuthCredsDocument,
  type AuthKeyDocument,
  type AuthKeysRow,
  dataKeyId,
} from "./auth-documents.ts";
import { seal, unseal, type WrappedKey } from "./envelope.ts";
import { idsBelow, keyReads } from "./key-reads.ts";
import { expiryOf, inSafeOrder, type KeyType, keyId, type Row, rowId } from "./row-order.ts";

/** With the fence, fewer than the 1,000 at which the driver cuts while it does not know what the server takes. */
const rowsPerBulk = 900;
/** The driver would cut a larger bulk into commands, of which the fence guards the first only. */
const charactersPerBulk = 4 * 1024 * 1024;
const primary = { readPreference: "primary", readConcern: { level: "majority" } } as const;

type KeyOperation = AnyBulkWriteOperation<AuthKeysRow>;

/** The two collections of the auth state. */
export interface AuthCollections {
  creds: Collection<AuthCredsDocument>;
  keys: Collection<AuthKeysRow>;
}

/** Both, typed; the same for every channel, so that they can share reads. Does no I/O. */
export const authCollections = oncePer(
  (db: Db): AuthCollections => ({
    creds: db.collection(collectionNames.authCreds),
    keys: db.collection(collectionNames.authKeys),
  }),
);

/** A row that was emptied is absent: see `rowOperation`. */
const isFull = { keyData: { $exists: true } };
type FullRow = AuthKeyDocument & Required<Pick<AuthKeyDocument, "keyData">>;
const isFullRow = (row: AuthKeysRow): row is FullRow => "keyData" in row && row.keyData !== undefined;

/** Reads and unseals the rows that exist, from the primary with read concern majority. Throws on any doubt. */
export async function readRows(
  keys: Collection<AuthKeysRow>,
  dataKey: Buffer,
  channelId: string,
  rowIds: readonly string[],
): Promise<Map<string, string>> {
  const found = (await keyReads(keys).submit({ channelId, ids: rowIds })).filter(isFullRow);
  return new Map(
    found.map(({ _id, keyData }) => [_id, unseal(dataKey, _id, bytes(keyData)).toString("utf8")]),
  );
}

/** Reads every row of one type, by id; null for a row that cannot be unsealed. Otherwise as `readRows`. */
export async function readRowsOfType(
  keys: Collection<AuthKeysRow>,
  dataKey: Buffer,
  channelId: string,
  type: KeyType,
): Promise<Map<string, string | null>> {
  const first = rowId(channelId, type, "");
  const found = (await keyReads(keys).submit({ channelId, below: first })).filter(isFullRow);
  return new Map(found.map((row) => [row._id.slice(first.length), tryUnseal(dataKey, row)]));
}

function tryUnseal(dataKey: Buffer, { _id, keyData }: FullRow): string | null {
  try {
    return unseal(dataKey, _id, bytes(keyData)).toString("utf8");
  } catch {
    return null;
  }
}

/** Reads the data key of a channel as it is stored; `undefined` if there is none. */
export async function readWrappedKey(
  keys: Collection<AuthKeysRow>,
  channelId: string,
): Promise<WrappedKey | undefined> {
  const [row] = await keyReads(keys).submit({ channelId, ids: [dataKeyId(channelId)] });
  return row && "wrapped" in row ? { masterKeyId: row.masterKeyId, wrapped: bytes(row.wrapped) } : undefined;
}

/** Rows to write, with the keys and the fence of their bulks. */
export interface KeyWrite {
  fence: Fence;
  dataKey: Buffer;
  /** Set when the data key is new or has been wrapped again. */
  wrapped: WrappedKey | undefined;
  rows: Iterable<Row>;
}

/** Writes ordered bulks, each one command with the fence first. Throws `FencedError` for a deposed owner. */
export async function writeRows(
  keys: Collection<AuthKeysRow>,
  { fence, dataKey, wrapped, rows }: KeyWrite,
  session: ClientSession,
): Promise<void> {
  let operations: KeyOperation[] = wrapped ? [dataKeyOperation(fence, wrapped)] : [];
  let characters = 0;
  for (const row of inSafeOrder(rows)) {
    characters += row[1]?.length ?? 0;
    if (operations.length === rowsPerBulk || (characters > charactersPerBulk && operations.length > 0)) {
      await fencedBulk(keys, fence, operations, session);
      operations = [];
      characters = row[1]?.length ?? 0;
    }
    operations.push(rowOperation(fence, dataKey, row));
  }
  await fencedBulk(keys, fence, operations, session);
}

/** Deletes rows that nobody needs any more, whoever owns the channel. */
export async function discardRows(
  keys: Collection<AuthKeysRow>,
  channelId: string,
  rowIds: readonly string[],
): Promise<void> {
  for (let from = 0; from < rowIds.length; from += rowsPerBulk) {
    const page = rowIds.slice(from, from + rowsPerBulk);
    await keys.deleteMany({ _id: { $in: page }, channelId });
  }
}

async function fencedBulk(
  keys: Collection<AuthKeysRow>,
  fence: Fence,
  operations: KeyOperation[],
  session: ClientSession,
): Promise<void> {
  const concern = session.inTransaction() ? {} : durable;
  try {
    await keys.bulkWrite([fenceOperation(fence), ...operations], { ordered: true, session, ...concern });
  } catch (error) {
    throw fencedError(error, fence);
  }
}

/** Replaces stored credentials; the epoch in the filter is the fence. */
export async function updateCreds(
  creds: Collection<AuthCredsDocument>,
  fence: Fence,
  sealed: Buffer,
  session: ClientSession,
): Promise<void> {
  const { matchedCount } = await creds.updateOne(
    { _id: fence.channelId, channelId: fence.channelId, epoch: fence.epoch },
    { $set: { creds: new Binary(sealed), updatedAt: dateOf(fence) } },
    { ...durable, session },
  );
  if (matchedCount === 0) throw new FencedError(fence);
}

/** Upserts the credentials, in a transaction that has also written the fence. */
export async function putCreds(
  creds: Collection<AuthCredsDocument>,
  fence: Fence,
  sealed: Buffer,
  session: ClientSession,
): Promise<void> {
  const { channelId, epoch } = fence;
  const now = dateOf(fence);
  await creds.updateOne(
    { _id: channelId, channelId },
    {
      $set: { channelId, epoch, creds: new Binary(sealed), updatedAt: now },
      $setOnInsert: { createdAt: now },
    },
    { upsert: true, session },
  );
}

/**
 * Erases the credentials, the data key and every row of the channel except the fence, which keeps the epoch. In transactions
 * that begin with the fence: a deletion is a command of its own, which a suspended owner could send when it resumes.
 */
export async function eraseRows(
  { creds, keys }: AuthCollections,
  fence: Fence,
  session: ClientSession,
): Promise<void> {
  const { channelId, epoch } = fence;
  const rows = { ...idsBelow(`${channelId}/`), $ne: fenceId(channelId) };
  const filter = { _id: rows, channelId };
  for (let isFirst = true, isLast = false; !isLast; isFirst = false) {
    const page = keys.find(filter, { ...primary, projection: { _id: 1 } }).limit(rowsPerBulk);
    const ids = (await page.toArray()).map(({ _id }) => _id);
    isLast = ids.length < rowsPerBulk;
    const erase = async () => {
      await fencedBulk(keys, fence, [], session);
      if (isFirst) {
        await creds.deleteOne({ _id: channelId, channelId, epoch: { $lte: epoch } }, { session });
        ids.push(dataKeyId(channelId));
      }
      await keys.deleteMany({ _id: { $in: ids }, channelId }, { session });
    };
    await session.withTransaction(erase, durable);
  }
}

/**
 * A deletion empties the row, which expires: the driver sends deletions as a second command, which the fence in the first does
 * not guard. A row that is written again no longer expires.
 */
function rowOperation(fence: Fence, dataKey: Buffer, [_id, text]: Row): KeyOperation {
  const { channelId } = fence;
  const now = dateOf(fence);
  if (text === null) {
    const update = { $unset: { keyData: "" }, $set: { updatedAt: now, expiresAt: now } } as const;
    return { updateOne: { filter: { _id, channelId, ...isFull }, update } };
  }
  const expiresAt = expiryOf(_id, now);
  const keyData = new Binary(seal(dataKey, _id, Buffer.from(text)));
  const update = {
    $set: { channelId, keyId: keyId(_id), keyData, updatedAt: now, ...(expiresAt && { expiresAt }) },
    $setOnInsert: { createdAt: now },
    ...(expiresAt ? {} : { $unset: { expiresAt: "" } as const }),
  };
  return { updateOne: { filter: { _id, channelId }, update, upsert: true } };
}

function dataKeyOperation(fence: Fence, { masterKeyId, wrapped }: WrappedKey): KeyOperation {
  const { channelId } = fence;
  const now = dateOf(fence);
  const $set = { channelId, masterKeyId, wrapped: new Binary(wrapped), updatedAt: now };
  const update = { $set, $setOnInsert: { createdAt: now } };
  return { updateOne: { filter: { _id: dataKeyId(channelId), channelId }, update, upsert: true } };
}

export function bytes(binary: Binary): Buffer {
  return Buffer.from(binary.buffer.subarray(0, binary.position));
}
