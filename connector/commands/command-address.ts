import { ObjectId } from "mongodb";

/** A longer one would not fit into a header or a URL. */
export const idBytesMax = 1_024;

/**
 * The filter for an `_id` that cannot be written back as it was read: the driver replaces bytes that are not UTF-8, and loses
 * dates beyond its range. Among few documents only, since a hash has no index.
 */
export const idHashExpression = { $toHashedIndexKey: "$_id" };

/** Whether an `_id`, as it was read, is one that a command may have: the driver adds an ObjectId to a document without one. */
export function isAddressable(_id: unknown): _id is string {
  if (_id instanceof ObjectId) return true;
  return typeof _id === "string" && Buffer.byteLength(_id) <= idBytesMax && !_id.includes("\ufffd");
}
