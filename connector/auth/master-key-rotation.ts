import { Binary, type Db } from "mongodb";
import { durable } from "#shared/database.ts";
import { type DataKeyDocument, dataKeyId } from "./auth-documents.ts";
import { AuthStateError } from "./auth-error.ts";
import { authCollections } from "./auth-rows.ts";
import { masterKeyId, unwrapDataKey, wrapDataKey } from "./envelope.ts";

/** What a rotation found, as numbers of channels. */
export interface MasterKeyRotation {
  /** Wrapped by the newest master key now, and by an older one before. */
  rewrapped: number;
  /** Wrapped by the newest already, or gone or renewed while this ran. */
  current: number;
  /** Channels whose data key none of the master keys opens. */
  unreadable: string[];
}

const channelsPerPage = 500;

/**
 * Wraps every data key by the newest master key, so that older ones can be taken out of `ENCRYPTION_KEY`. The data keys
 * stay what they are, and each row is only replaced as it was read: owners that write at the same time are not disturbed.
 * `masterKeys`: 32 bytes each, newest first. Throws the database's error; running it again goes on where it was.
 */
export async function rotateMasterKey(
  db: Db,
  masterKeys: readonly Buffer[],
  progress: (so: Readonly<MasterKeyRotation>) => void = () => undefined,
): Promise<MasterKeyRotation> {
  const { creds } = authCollections(db);
  const rotation: MasterKeyRotation = { rewrapped: 0, current: 0, unreadable: [] };
  let page: string[] = [];
  for await (const { _id } of creds.find({}, { projection: { _id: 1 }, sort: { _id: 1 } })) {
    page.push(_id);
    if (page.length < channelsPerPage) continue;
    await rotatePage(db, masterKeys, page, rotation);
    progress(rotation);
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
  const rows = await authCollections(db)
    .keys.find<DataKeyDocument>({ _id: { $in: channelIds.map(dataKeyId) } })
    .toArray();
  rotation.current += channelIds.length - rows.length;
  for (const row of rows) {
    if (row.masterKeyId === newest) rotation.current++;
    else await rotateOne(db, masterKeys, row, rotation);
  }
}

async function rotateOne(
  db: Db,
  masterKeys: readonly Buffer[],
  row: DataKeyDocument,
  rotation: MasterKeyRotation,
): Promise<void> {
  const dataKey = opened(row, masterKeys);
  if (!dataKey) return void rotation.unreadable.push(row.channelId);
  const { masterKeyId: by, wrapped } = wrapDataKey(dataKey, masterKeys, row._id);
  const { matchedCount } = await authCollections(db).keys.updateOne(
    { _id: row._id, wrapped: row.wrapped },
    { $set: { masterKeyId: by, wrapped: new Binary(wrapped), updatedAt: new Date() } },
    durable,
  );
  if (matchedCount === 1) rotation.rewrapped++;
  else rotation.current++;
}

function opened({ _id, masterKeyId: by, wrapped }: DataKeyDocument, masterKeys: readonly Buffer[]) {
  try {
    return unwrapDataKey({ masterKeyId: by, wrapped: Buffer.from(wrapped.value()) }, masterKeys, _id);
  } catch (error) {
    if (error instanceof AuthStateError) return null;
    throw error;
  }
}
