import type { Db } from "mongodb";
import type { Fence } from "../ownership/fence.ts";
import { authCollections, eraseRows } from "./auth-rows.ts";

/** Erases credentials without opening them, for those that cannot be read. Throws `FencedError` for a deposed owner. */
export async function eraseCredentials(db: Db, fence: Fence): Promise<void> {
  await using session = db.client.startSession({ causalConsistency: false });
  await eraseRows(authCollections(db), fence, session);
}
