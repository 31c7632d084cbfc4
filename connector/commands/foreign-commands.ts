import type { Collection, Document, Long } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import type { FieldProblem } from "#shared/errors.ts";
import { isShortText } from "#shared/short-text.ts";
import { idBytesMax, isAddressable } from "./command-address.ts";
import { idMessage, type UnadoptedCommand } from "./command-validation.ts";
import { asStored, readStoredDocument } from "./stored-document.ts";

/** A document that was never adopted, as far as it can be read. */
export interface ForeignCommand {
  /** Null when it must be matched by its hash. */
  _id: string | null;
  idHash: Long;
  command: UnadoptedCommand;
  /** Why it cannot be read; empty if it can. */
  problems: FieldProblem[];
}

/** The largest request that the API accepts. A larger document is refused unread. */
const documentBytesMax = 1_048_576;
const pageBytesMax = 32 * documentBytesMax;

const isSmall = { $lte: [{ $bsonSize: "$$ROOT" }, documentBytesMax] };
const keys = { $map: { input: { $objectToArray: "$$ROOT" }, in: "$$this.k" } };
const projection = asStored(documentBytesMax, {
  hasId: { $or: [{ $eq: [{ $type: "$_id" }, "objectId"] }, isShortText("$_id", idBytesMax)] },
  isHuge: { $not: [isSmall] },
  hasTwins: { $cond: [isSmall, { $ne: [{ $size: keys }, { $size: { $setUnion: [keys] } }] }, false] },
});

/**
 * Finds documents in insertion order, which an index may not follow. A page has at most `limit` documents and about 32 MB;
 * `isMore` says whether others may be left.
 */
export async function findForeignCommands(
  commands: Collection<CommandDocument>,
  filter: Document,
  limit: number,
): Promise<{ found: ForeignCommand[]; isMore: boolean }> {
  const cursor = commands.find(filter, { projection, raw: true }).limit(limit).showRecordId(true);
  const found: Array<ForeignCommand & { recordId: number }> = [];
  let bytes = 0;
  for await (const row of cursor) {
    const raw = row as unknown as Uint8Array;
    found.push(foreignCommand(raw));
    bytes += raw.length;
    if (bytes >= pageBytesMax) break;
  }
  const isMore = found.length === limit || bytes >= pageBytesMax;
  return { found: found.toSorted((a, b) => a.recordId - b.recordId), isMore };
}

function foreignCommand(raw: Uint8Array): ForeignCommand & { recordId: number } {
  const { idHash, facts, document, unreadable } = readStoredDocument(raw);
  const _id: unknown = document?._id;
  return {
    _id: isAddressable(_id) ? _id : null,
    idHash,
    command: { ...document, _id },
    problems: problemsOf(facts, document !== null, unreadable),
    recordId: Number(facts.$recordId ?? 0),
  };
}

function problemsOf(
  { hasId, isHuge, hasTwins }: Document,
  isRead: boolean,
  unreadable: string[],
): FieldProblem[] {
  const notUtf8 = unreadable.length > 0 ? unreadable : [""];
  return [
    ...(hasId ? [] : [{ field: "_id", message: idMessage }]),
    ...(isHuge ? [{ field: "", message: `must not be larger than ${documentBytesMax} bytes` }] : []),
    ...(hasTwins ? [{ field: "", message: "must not contain a field twice" }] : []),
    ...(isRead || isHuge ? [] : notUtf8.map((field) => ({ field, message: "must be UTF-8" }))),
  ];
}
