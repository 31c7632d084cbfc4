import type { Db, Document } from "mongodb";

/** One operation as the database's profiler recorded it. */
export interface Operation {
  op: string;
  ns: string;
  command: Document;
  keysExamined?: number;
  docsExamined?: number;
}

/** Records every operation on the database while `work` runs, whichever process asked for it. */
export async function profiled(db: Db, work: () => Promise<unknown>): Promise<Operation[]> {
  await db.command({ profile: 0 });
  await db
    .collection("system.profile")
    .drop()
    .catch(() => undefined);
  await db.createCollection("system.profile", { capped: true, size: 32 * 1024 * 1024 });
  await db.command({ profile: 2 });
  try {
    await work();
  } finally {
    await db.command({ profile: 0 });
  }
  const found = await db.collection<Operation & Document>("system.profile").find().sort({ ts: 1 }).toArray();
  return found.filter(
    ({ ns, op }) => !ns.endsWith(".system.profile") && !(ns.endsWith(".$cmd") && op === "command"),
  );
}
