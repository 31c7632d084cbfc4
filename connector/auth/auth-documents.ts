import type { Binary } from "mongodb";
import type { FenceDocument } from "#shared/collections.ts";

/**
 * `whatsapp_auth_creds`: one row per linked channel. `creds` holds the sealed credentials and the server they belong
 * to.
 */
export interface AuthCredsDocument {
  /** Equal to `channelId`. */
  _id: string;
  channelId: string;
  epoch: number;
  creds: Binary;
  createdAt: Date;
  updatedAt: Date;
}

/** `whatsapp_auth_keys`: one row per key. `keyId` is `<type>:<id>`. */
export interface AuthKeyDocument {
  /** `<channelId>/<type>/<id>` */
  _id: string;
  channelId: string;
  keyId: string;
  /** The sealed value; absent in a row that was deleted and has yet to be removed. */
  keyData?: Binary;
  createdAt: Date;
  updatedAt: Date;
  /** Only on a deleted row, and on a message's plaintext, which is normally removed within a second. */
  expiresAt?: Date;
}

/**
 * In `whatsapp_auth_keys`, `<channelId>/data-key`: the key that seals the channel's rows, itself sealed by a master
 * key.
 */
export interface DataKeyDocument {
  _id: string;
  channelId: string;
  masterKeyId: string;
  wrapped: Binary;
  createdAt: Date;
  updatedAt: Date;
}

/** Any row of `whatsapp_auth_keys`. */
export type AuthKeysRow = AuthKeyDocument | DataKeyDocument | FenceDocument;

/** The `_id` of the row that holds the data key of a channel. */
export function dataKeyId(channelId: string): string {
  return `${channelId}/data-key`;
}
