import type { Db } from "mongodb";
import type { Fence } from "../ownership/fence.ts";
import { authCollections, eraseRows } from "./auth-rows.ts";

/** Removes credentials that cannot be read any more, without opening them. Throws `FencedError` for a deposed owner. */
export async function eraseCredentials(db: Db, fence: Fence): Promise<void> {
  await using session = db.client.startSession({ causalConsistency: false });
  await eraseRows(authCollections(db), fence, session);
}
