import type { Db } from "mongodb";
import { boundedRead, type Collections } from "#shared/database.ts";
import type { ReadSeals } from "../ownership/seal.ts";
import { type DataKeyDocument, dataKeyId } from "./auth-documents.ts";
import { authCollections } from "./auth-rows.ts";

/** Reads which master key each channel's credentials need, and who could not open them. */
export function sealReader(db: Db, { channels }: Pick<Collections, "channels">): ReadSeals {
  return async (channelIds) => {
    const ids = { $in: [...channelIds] };
    const [needed, tried] = await Promise.all([
      masterKeyIdsOf(db, channelIds),
      channels.find({ _id: ids }, { projection: { "owner.unopenedBy": 1 } }).toArray(),
    ]);
    return new Map(
      tried.map(({ _id, owner }) => [
        _id,
        { masterKeyId: needed.get(_id) ?? null, unopenedBy: owner?.unopenedBy ?? [] },
      ]),
    );
  };
}

const firstPage = 20;
const page = 1_000;

/** Whether any of these keys opens any of the credentials that exist; true if there are none. */
export async function opensAny(db: Db, masterKeyIds: readonly string[]): Promise<boolean> {
  const { creds } = authCollections(db);
  let hasAny = false;
  for (let after = "", limit = firstPage; ; limit = page) {
    const found = await creds
      .find({ _id: { $gt: after } }, { projection: { _id: 1 }, ...boundedRead })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
    const needed = await dataKeysOf(
      db,
      found.map(({ _id }) => _id),
    );
    if (needed.some((row) => masterKeyIds.includes(row.masterKeyId))) return true;
    hasAny ||= found.length > 0;
    if (found.length < limit) return !hasAny;
    after = found.at(-1)?._id ?? after;
  }
}

/** Without credentials the data key is ignored: it is what a failed pairing left. */
async function masterKeyIdsOf(db: Db, channelIds: readonly string[]): Promise<Map<string, string>> {
  const [linked, keys] = await Promise.all([
    authCollections(db).creds.distinct("_id", { _id: { $in: [...channelIds] } }),
    dataKeysOf(db, channelIds),
  ]);
  const hasCreds = new Set(linked);
  const needed = keys.filter(({ channelId }) => hasCreds.has(channelId));
  return new Map(needed.map(({ channelId, masterKeyId }) => [channelId, masterKeyId]));
}

function dataKeysOf(db: Db, channelIds: readonly string[]) {
  return authCollections(db)
    .keys.find<DataKeyDocument>({
      _id: { $in: channelIds.map(dataKeyId) },
      channelId: { $in: [...channelIds] },
    })
    .project<Pick<DataKeyDocument, "channelId" | "masterKeyId">>({ channelId: 1, masterKeyId: 1 })
    .toArray();
}
