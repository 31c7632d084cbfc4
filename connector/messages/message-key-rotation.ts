import { Binary, type Db } from "mongodb";
import { type ChannelDocument, collectionNames, type WrappedKeyDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import { masterKeyId, unwrapDataKey, wrapDataKey } from "../auth/envelope.ts";
import { assertShared, type MasterKeyRotation } from "../auth/master-key-rotation.ts";
import { messageKeysId } from "./message-seal.ts";

/**
 * Wraps every message key by the newest master key. Unreadable are channels with a key that no given master key opens; it is kept.
 * Otherwise as `rotateMasterKey`.
 */
export async function rotateMessageKeys(db: Db, masterKeys: readonly Buffer[]): Promise<MasterKeyRotation> {
  const channels = db.collection<ChannelDocument>(collectionNames.channels);
  const newest = masterKeys[0] && masterKeyId(masterKeys[0]);
  const rotation: MasterKeyRotation = { rewrapped: 0, current: 0, unreadable: [] };
  const found = channels.find({ messageKeys: { $exists: true } }, { projection: { messageKeys: 1 } });
  for await (const { _id, messageKeys = [] } of found) {
    if (messageKeys.every((key) => key.masterKeyId === newest)) {
      rotation.current++;
      continue;
    }
    const rewrapped = messageKeys.map((key) => rewrap(key, masterKeys, _id));
    if (rewrapped.includes(null)) rotation.unreadable.push(_id);
    const after = rewrapped.map((key, index) => key ?? messageKeys[index]);
    await assertShared(db, newest);
    const filter = { _id, messageKeys };
    const { matchedCount } = await channels.updateOne(
      filter,
      { $set: { messageKeys: after } } as object,
      durable,
    );
    if (matchedCount === 1) rotation.rewrapped++;
    else rotation.current++;
  }
  return rotation;
}

/** Null when none of the master keys opens it. */
function rewrap(
  { masterKeyId: id, wrapped }: WrappedKeyDocument,
  masterKeys: readonly Buffer[],
  channelId: string,
): WrappedKeyDocument | null {
  const rowId = messageKeysId(channelId);
  try {
    const key = unwrapDataKey({ masterKeyId: id, wrapped: Buffer.from(wrapped.value()) }, masterKeys, rowId);
    const renewed = wrapDataKey(key, masterKeys, rowId);
    return { masterKeyId: renewed.masterKeyId, wrapped: new Binary(renewed.wrapped) };
  } catch (error) {
    if (error instanceof AuthStateError) return null;
    throw error;
  }
}
