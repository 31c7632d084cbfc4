import type { Collection } from "mongodb";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import type { ConsoleSessionDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import type { Store } from "./store.ts";

/** Creates and deletes console sessions; stores only the hash of the cookie. */
export function mongoSessions(
  sessions: Collection<ConsoleSessionDocument>,
): Pick<Store, "createSession" | "deleteSession"> {
  return {
    async createSession(keyId, ttlSeconds) {
      const cookie = newApiKey();
      const expiresAt = { $dateAdd: { startDate: "$$NOW", unit: "second", amount: ttlSeconds } };
      const session = await sessions.findOneAndUpdate(
        { _id: hashSecret(cookie) },
        [{ $set: { keyId: { $literal: keyId }, createdAt: "$$NOW", expiresAt } }],
        { upsert: true, returnDocument: "after", ...durable },
      );
      if (!session) throw new Error("An upsert returned no document");
      return { cookie, expiresAt: session.expiresAt };
    },
    async deleteSession(cookie) {
      await sessions.deleteOne({ _id: hashSecret(cookie) }, durable);
    },
  };
}
