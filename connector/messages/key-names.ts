import type { Collection } from "mongodb";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { oncePer } from "#shared/once-per.ts";

/** The names of API keys, which listeners see. */
export interface KeyNames {
  /** Undefined for a command that no key submitted, or one whose key is gone. Rejects with the database's error. */
  of(keyId: unknown): Promise<string | undefined>;
}

const rememberedMax = 1_000;
const rememberedMs = 60_000;

/** The names in a collection, which all channels of the process share. A new name is seen within a minute. */
export const keyNames = oncePer((apiKeys: Collection<ApiKeyDocument>): KeyNames => {
  const known = createBoundedCache<Promise<string | undefined>>(rememberedMax, { ttl: rememberedMs });
  const read = async (keyId: string) =>
    (await apiKeys.findOne({ _id: keyId }, { projection: { name: 1 } }))?.name;

  return {
    async of(keyId) {
      if (typeof keyId !== "string") return undefined;
      const remembered = known.get(keyId);
      if (remembered) return remembered;
      const reading = read(keyId);
      known.set(keyId, reading);
      reading.catch(() => known.delete(keyId));
      return reading;
    },
  };
});
