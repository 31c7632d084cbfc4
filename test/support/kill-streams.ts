import type { Db } from "mongodb";

/** Kills every stream of changes on a database, as an administrator would. Resolves to their number. */
export async function killStreams(db: Db): Promise<number> {
  // Waiting for changes, and between two waits.
  const streams = [`${db.databaseName}.$cmd`, `${db.databaseName}.$cmd.aggregate`];
  const operations = await db.client
    .db("admin")
    .aggregate<{ cursor?: { cursorId: bigint } }>([
      { $currentOp: { allUsers: true, idleCursors: true } },
      { $match: { ns: { $in: streams }, "cursor.tailable": true } },
    ])
    .toArray();
  const cursors = operations.flatMap(({ cursor }) => (cursor ? [cursor.cursorId] : []));
  if (cursors.length > 0) await db.command({ killCursors: "$cmd.aggregate", cursors });
  return cursors.length;
}
