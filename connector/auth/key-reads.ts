import type { Collection, Filter } from "mongodb";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import type { AuthKeysRow } from "./auth-documents.ts";

/** The rows of one channel that are asked for: those with these ids, or all whose ids begin with a text that ends in a slash. */
export type KeyRead = { channelId: string } & ({ ids: readonly string[] } | { below: string });

const primary = { readPreference: "primary", readConcern: { level: "majority" } } as const;

/**
 * Reads rows from the primary with read concern majority. What the channels of a process ask for at the same moment is one
 * query; each gets only what it asked for.
 */
export const keyReads = oncePer((keys: Collection<AuthKeysRow>) =>
  createSharedCall<KeyRead, AuthKeysRow[]>({
    async call(reads) {
      const found = await keys.find(filterOf(reads), primary).toArray();
      const byChannel = Map.groupBy(found, ({ channelId }) => channelId);
      return reads.map((read) => {
        const ids = "ids" in read ? new Set(read.ids) : null;
        const isAskedFor = ({ _id }: AuthKeysRow) =>
          "below" in read ? _id.startsWith(read.below) : ids?.has(_id);
        return (byChannel.get(read.channelId) ?? []).filter(isAskedFor);
      });
    },
  }),
);

function filterOf(reads: readonly KeyRead[]): Filter<AuthKeysRow> {
  const ids = new Set(reads.flatMap((read) => ("ids" in read ? read.ids : [])));
  const ranges = reads.flatMap((read) => ("below" in read ? [{ _id: idsBelow(read.below) }] : []));
  const rows: Filter<AuthKeysRow>[] = [...(ids.size > 0 ? [{ _id: { $in: [...ids] } }] : []), ...ranges];
  const channelIds = new Set(reads.map(({ channelId }) => channelId));
  return { channelId: { $in: [...channelIds] }, $or: rows };
}

/** The range of the ids that begin with this, which ends in a slash. */
export function idsBelow(first: string) {
  return { $gte: first, $lt: `${first.slice(0, -1)}0` };
}
