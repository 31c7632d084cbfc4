import { Binary } from "mongodb";
import type { ChannelDocument, WrappedKeyDocument } from "#shared/collections.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import { createDataKey, masterKeyId, seal, unseal, unwrapDataKey, wrapDataKey } from "../auth/envelope.ts";

/** Seals what a channel keeps of its messages. Its key outlives a logout, unlike that of the credentials. */
export interface MessageSeal {
  /** Resolves once the key is durable. Rejects with the database's error, and as the fence does. */
  seal(rowId: string, plain: Uint8Array): Promise<Binary>;
  /**
   * The bytes that were sealed for this row, or stored as they are by a former version. Throws `AuthStateError` when no known key
   * opens them.
   */
  open(rowId: string, stored: Binary): Uint8Array;
}

export interface MessageSealOptions {
  channel: Pick<ChannelDocument, "_id" | "messageKeys">;
  /** Newest first. */
  masterKeys: readonly Buffer[];
  /** Whether every living connector has this master key. */
  isSharedKey?: ((masterKeyId: string) => boolean) | undefined;
  /** Makes the channel's keys durable, in its document. */
  save(messageKeys: WrappedKeyDocument[]): Promise<void>;
}

/** Each time that no master key opened the newest, another was made. */
const keysMax = 16;
/** No encoded message begins with it: there is no field 0. */
const sealedVersion = 1;

/** Names the keys in the data that is authenticated with them. */
export function messageKeysId(channelId: string): string {
  return `${channelId}/message-key`;
}

export function createMessageSeal(options: MessageSealOptions): MessageSeal {
  const { channel, masterKeys, isSharedKey = () => true, save } = options;
  const stored = channel.messageKeys ?? [];
  const opened = stored.map((key) => open(key, masterKeys, channel._id));
  const keys = opened.filter((key) => key !== null);
  /** The key of a channel that has none, or none that this process can open, is made when it is needed. */
  let inUse = opened[0] ? Promise.resolve(opened[0]) : undefined;

  const make = async () => {
    const key = createDataKey();
    const shared = masterKeys.filter((one) => isSharedKey(masterKeyId(one)));
    const wrapping = shared.length > 0 ? shared : masterKeys;
    const { masterKeyId: id, wrapped } = wrapDataKey(key, wrapping, messageKeysId(channel._id));
    await save([{ masterKeyId: id, wrapped: new Binary(wrapped) }, ...stored].slice(0, keysMax));
    keys.unshift(key);
    return key;
  };

  return {
    async seal(rowId, plain) {
      inUse ??= make();
      return new Binary(seal(await inUse, rowId, Buffer.from(plain)));
    },
    open(rowId, { buffer }) {
      if (buffer[0] !== sealedVersion) return buffer;
      for (const key of keys) {
        const plain = tryUnseal(key, rowId, Buffer.from(buffer));
        if (plain) return plain;
      }
      throw new AuthStateError("unreadable", "A stored message cannot be decrypted");
    },
  };
}

/** Null when none of the master keys wrapped it. */
function open(
  { masterKeyId: id, wrapped }: WrappedKeyDocument,
  masterKeys: readonly Buffer[],
  channelId: string,
) {
  const key = { masterKeyId: id, wrapped: Buffer.from(wrapped.value()) };
  return unlessAuthError(() => unwrapDataKey(key, masterKeys, messageKeysId(channelId)));
}

function tryUnseal(key: Buffer, rowId: string, sealed: Buffer): Buffer | null {
  return unlessAuthError(() => unseal(key, rowId, sealed));
}

function unlessAuthError<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof AuthStateError) return null;
    throw error;
  }
}
