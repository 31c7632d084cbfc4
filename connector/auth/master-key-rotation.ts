import { Binary, type Db } from "mongodb";
import { type ConnectorDocument, collectionNames } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { type DataKeyDocument, dataKeyId } from "./auth-documents.ts";
import { AuthStateError } from "./auth-error.ts";
import { authCollections } from "./auth-rows.ts";
import { masterKeyId, unwrapDataKey, wrapDataKey } from "./envelope.ts";

/** The result of a rotation, in channels. */
export interface MasterKeyRotation {
  /** Rewrapped by the newest master key, having been wrapped by an older one. */
  rewrapped: number;
  /** Wrapped by the newest already, or erased or rewrapped during the rotation. */
  current: number;
  /** Channels whose data key no given master key opens. */
  unreadable: string[];
}

const channelsPerPage = 500;

/** A living connector lacks the newest master key, and would be locked out of what that wraps. */
class KeyNotSharedError extends Error {
  override readonly name = "KeyNotSharedError";
  constructor(names: readonly string[]) {
    super(
      `These connectors do not have the first key of ENCRYPTION_KEY yet: ${names.join(", ")}. ` +
        "Add it as their last key, restart them, and run this again.",
    );
  }
}

/**
 * Wraps every data key by the newest master key, so that older ones can be removed from `ENCRYPTION_KEY`. The data keys
 * themselves stay, and a row is replaced only if it is still as it was read, so owners can write at the same time.
 * `masterKeys`: 32 bytes each, newest first. Throws `KeyNotSharedError`, also when such a connector starts meanwhile, or the
 * database's error; a repeated run continues where it stopped.
 */
export async function rotateMasterKey(
  db: Db,
  masterKeys: readonly Buffer[],
  onProgress: (soFar: Readonly<MasterKeyRotation>) => void = () => undefined,
): Promise<MasterKeyRotation> {
  const { creds } = authCollections(db);
  const rotation: MasterKeyRotation = { rewrapped: 0, current: 0, unreadable: [] };
  let page: string[] = [];
  for await (const { _id } of creds.find({}, { projection: { _id: 1 }, sort: { _id: 1 } })) {
    page.push(_id);
    if (page.length < channelsPerPage) continue;
    await rotatePage(db, masterKeys, page, rotation);
    onProgress(rotation);
    page = [];
  }
  await rotatePage(db, masterKeys, page, rotation);
  return rotation;
}

async function rotatePage(
  db: Db,
  masterKeys: readonly Buffer[],
  channelIds: readonly string[],
  rotation: MasterKeyRotation,
): Promise<void> {
  const newest = masterKeys[0] && masterKeyId(masterKeys[0]);
  await assertShared(db, newest);
  const rows = await authCollections(db)
    .keys.find<DataKeyDocument>({
      _id: { $in: channelIds.map(dataKeyId) },
      channelId: { $in: [...channelIds] },
    })
    .toArray();
  rotation.current += channelIds.length - rows.length;
  for (const row of rows) {
    if (row.masterKeyId === newest) rotation.current++;
    else await rotateOne(db, masterKeys, row, rotation);
  }
}

/** Throws `KeyNotSharedError` while a living connector lacks the key of this name. */
export async function assertShared(db: Db, newest: string | undefined): Promise<void> {
  if (newest === undefined) return;
  const living = { state: { $ne: "dead" as const }, $expr: { $gt: ["$aliveUntil", "$$NOW"] } };
  // Not `distinct`, which does not support `$$NOW`.
  const lacking = await db
    .collection<ConnectorDocument>(collectionNames.connectors)
    .find({ ...living, masterKeyIds: { $ne: newest } }, { projection: { name: 1 } })
    .toArray();
  if (lacking.length > 0) throw new KeyNotSharedError(lacking.map(({ name }) => name));
}

async function rotateOne(
  db: Db,
  masterKeys: readonly Buffer[],
  row: DataKeyDocument,
  rotation: MasterKeyRotation,
): Promise<void> {
  const dataKey = tryUnwrap(row, masterKeys);
  if (!dataKey) return void rotation.unreadable.push(row.channelId);
  const { masterKeyId: newId, wrapped } = wrapDataKey(dataKey, masterKeys, row._id);
  const { matchedCount } = await authCollections(db).keys.updateOne(
    { _id: row._id, channelId: row.channelId, wrapped: row.wrapped },
    { $set: { masterKeyId: newId, wrapped: new Binary(wrapped), updatedAt: new Date() } },
    durable,
  );
  if (matchedCount === 1) rotation.rewrapped++;
  else rotation.current++;
}

function tryUnwrap({ _id, masterKeyId: id, wrapped }: DataKeyDocument, masterKeys: readonly Buffer[]) {
  try {
    return unwrapDataKey({ masterKeyId: id, wrapped: Buffer.from(wrapped.value()) }, masterKeys, _id);
  } catch (error) {
    if (error instanceof AuthStateError) return null;
    throw error;
  }
}
