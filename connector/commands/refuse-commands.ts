import { type Collection, type Document, MongoServerError } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { isUnavailable } from "#shared/database-errors.ts";
import type { FieldProblem } from "#shared/errors.ts";
import { idHashExpression, isAddressable } from "./command-address.ts";
import { idMessage, invalidCommand } from "./command-validation.ts";
import type { ForeignCommand } from "./foreign-commands.ts";
import { commandBytesMax, type StoredDocument } from "./stored-document.ts";

/** A document and why it is refused. */
export interface Refused extends Pick<ForeignCommand, "_id" | "idHash"> {
  problems: readonly FieldProblem[];
  /** Whether its content is dropped, because nobody can read it or the error might not fit beside it. */
  isDropped: boolean;
}

/** Fails documents that match `filter`, each with its problems. */
export async function refuseCommands(
  commands: Collection<CommandDocument>,
  filter: Document,
  refused: readonly Refused[],
): Promise<void> {
  const updates = refused.flatMap(({ _id, problems, isDropped }) => {
    if (_id === null) return [];
    return [
      { updateOne: { filter: { ...filter, _id }, update: isDropped ? dropped(problems) : failed(problems) } },
    ];
  });
  if (updates.length > 0) await commands.bulkWrite(updates, { ordered: false });
  const byProblems = Map.groupBy(
    refused.filter(({ _id }) => _id === null),
    ({ problems }) => JSON.stringify(problems),
  );
  for (const alike of byProblems.values()) await refuseByHash(commands, filter, alike);
}

/** Fails the documents that cannot be read, or not be written back. Resolves to the others. */
export async function refuseUnreadable(
  commands: Collection<CommandDocument>,
  filter: Document,
  stored: readonly StoredDocument[],
): Promise<StoredDocument[]> {
  const isUsable = ({ document }: StoredDocument) => isAddressable(document?._id);
  const unusable = stored.filter((one) => !isUsable(one));
  const refused = unusable.map(({ idHash, document }) => ({
    ...{ _id: null, idHash, isDropped: true },
    problems: [
      document
        ? { field: "_id", message: idMessage }
        : { field: "", message: `must be UTF-8, and at most ${commandBytesMax} bytes` },
    ],
  }));
  await refuseCommands(commands, filter, refused);
  return stored.filter(isUsable);
}

/** Matches all that have the same problems in one pass, since a hash has no index. */
async function refuseByHash(
  commands: Collection<CommandDocument>,
  filter: Document,
  alike: readonly Refused[],
): Promise<void> {
  const hashes = alike.map(({ idHash }) => idHash);
  const these = { ...filter, $expr: { $in: [idHashExpression, hashes] } };
  try {
    await commands.updateMany(these, dropped(alike[0]?.problems ?? []));
  } catch (error) {
    if (!(error instanceof MongoServerError) || isUnavailable(error)) throw error;
    // An `_id` of almost 16 MB leaves no room for an error.
    await commands.deleteMany(these);
  }
}

function failed(problems: readonly FieldProblem[]): Document[] {
  return [{ $set: refusal(problems) }];
}

function dropped(problems: readonly FieldProblem[]): Document[] {
  return [{ $replaceWith: { _id: "$_id", ...refusal(problems) } }];
}

function refusal(problems: readonly FieldProblem[]): Document {
  return { state: "failed", attempts: 0, error: { $literal: invalidCommand(problems) }, doneAt: "$$NOW" };
}
