import { randomUUID } from "node:crypto";
import { collectionNames as names } from "#shared/collections.ts";
import type { TestDatabase } from "../support/test-database.ts";

/** The collections that hold a channel's data, each with a fence row in these tests. */
export const channelData = [names.authCreds, names.authKeys, names.commands, names.messages, names.events];

/** Inserts and lists raw rows of whole channels. */
export function channelRows(file: { readonly database: TestDatabase }) {
  const rows = (name: string) =>
    file.database.db.collection<{ _id: string; channelId: string; epoch?: number }>(name);

  return {
    rows,
    /** Inserts a channel with rows and a fence in every collection. Resolves to its id. */
    async channelWithEverything(): Promise<string> {
      const channelId = randomUUID();
      await rows(names.channels).insertOne({ _id: channelId, channelId });
      for (const name of channelData) {
        const ids = [`${channelId}/one`, `${channelId}/fence`];
        if (name !== names.authKeys) ids.unshift(channelId);
        const numbered = (_id: string, seq: number) =>
          name === names.events && !_id.endsWith("/fence") ? { seq } : {};
        await rows(name).insertMany(ids.map((_id, n) => ({ _id, channelId, epoch: 1, ...numbered(_id, n) })));
      }
      return channelId;
    },
    /** The ids of a channel's rows, by collection. */
    async remainingRows(channelId: string): Promise<Record<string, string[]>> {
      const found = await Promise.all(
        [names.channels, ...channelData].map(async (name) => [
          name,
          await rows(name).distinct("_id", { channelId }),
        ]),
      );
      return Object.fromEntries(found);
    },
  };
}
