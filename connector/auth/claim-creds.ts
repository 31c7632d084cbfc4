import type { Binary, Collection } from "mongodb";
import { bulkRefusals } from "#shared/bulk-refusals.ts";
import { durable } from "#shared/database.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import { type Fence, FencedError } from "../ownership/fence.ts";
import type { AuthCredsDocument } from "./auth-documents.ts";
import { bytes } from "./auth-rows.ts";

/**
 * Takes the credentials row for this epoch, whose fence has been raised, and returns the sealed credentials; `undefined` if
 * there is none. Channels that are taken over at the same moment share the commands; a refused one affects no other.
 */
export async function claimCreds(
  creds: Collection<AuthCredsDocument>,
  fence: Fence,
): Promise<Buffer | undefined> {
  const sealed = await claims(creds).submit(fence);
  return sealed && bytes(sealed);
}

const claims = oncePer((creds: Collection<AuthCredsDocument>) =>
  createSharedCall<Fence, Binary | undefined>({
    async call(fences) {
      const operations = fences.map(({ channelId, epoch }) => ({
        updateOne: {
          filter: { _id: channelId, channelId, epoch: { $lte: epoch } },
          update: { $set: { epoch } },
        },
      }));
      const refused = await creds
        .bulkWrite(operations, { ordered: false, ...durable })
        .then(() => new Map<number, unknown>(), bulkRefusals);
      const ids = fences.map(({ channelId }) => channelId);
      const found = await creds
        .find(
          { _id: { $in: ids }, channelId: { $in: ids } },
          { readPreference: "primary", readConcern: { level: "majority" } },
        )
        .toArray();
      const byId = new Map(found.map((row) => [row._id, row]));
      return fences.map((fence, index) => {
        if (refused.has(index)) return new Error("Credentials were not taken", { cause: refused.get(index) });
        const row = byId.get(fence.channelId);
        if (row && row.epoch > fence.epoch) return new FencedError(fence);
        if (row && row.epoch < fence.epoch) return new Error("Credentials were not found as they were taken");
        return row?.creds;
      });
    },
  }),
);
