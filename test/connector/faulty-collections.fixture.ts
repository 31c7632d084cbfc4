import type { Collection, Document } from "mongodb";
import type { Collections } from "#shared/database.ts";

/** A write as it goes to the database. */
interface Write {
  collection: keyof Collections;
  method: string;
  args: unknown[];
}

export interface Taps {
  /** Rejects: the write is not made. */
  before?(write: Write): Promise<void>;
  after?(write: Write): Promise<void>;
}

const writing = new Set([
  "insertOne",
  "insertMany",
  "updateOne",
  "updateMany",
  "bulkWrite",
  "findOneAndUpdate",
]);

/** The real collections, whose writes are heard of on their way. */
export function tapped(all: Collections, { before, after }: Taps): Collections {
  const tap = <T extends Document>(name: keyof Collections, collection: Collection<T>) =>
    new Proxy(collection, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function") return value;
        if (typeof property !== "string" || !writing.has(property)) return value.bind(target);
        return async (...args: unknown[]) => {
          const write = { collection: name, method: property, args };
          await before?.(write);
          const result: unknown = await value.apply(target, args);
          await after?.(write);
          return result;
        };
      },
    });
  const entries = Object.entries(all) as Array<[keyof Collections, Collection]>;
  return Object.fromEntries(
    entries.map(([name, collection]) => [name, tap(name, collection)]),
  ) as unknown as Collections;
}

/** What a process sees that is killed before its write number `writesMax + 1`: the others are made, and no more. */
export function killedAfter(all: Collections, writesMax: number, onKilled: () => void): Collections {
  let writes = 0;
  return tapped(all, {
    async before() {
      if (++writes <= writesMax) return;
      onKilled();
      throw new Error("killed");
    },
  });
}
