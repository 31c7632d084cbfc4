import type { Collection, Document } from "mongodb";
import type { Collections } from "#shared/database.ts";

/** A write on its way to the database. */
interface Write {
  collection: keyof Collections;
  method: string;
  args: unknown[];
}

export interface WriteHooks {
  /** A rejection prevents the write. */
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

/** The real collections, with hooks before and after every write. */
export function hookedCollections(all: Collections, { before, after }: WriteHooks): Collections {
  const hooked = <T extends Document>(name: keyof Collections, collection: Collection<T>) =>
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
    entries.map(([name, collection]) => [name, hooked(name, collection)]),
  ) as unknown as Collections;
}

/** Simulates a process that is killed just before write number `writesMax + 1`: that write and all later ones fail. */
export function killedAfter(all: Collections, writesMax: number, onKilled: () => void): Collections {
  let writes = 0;
  return hookedCollections(all, {
    async before() {
      if (++writes <= writesMax) return;
      onKilled();
      throw new Error("killed");
    },
  });
}

/**
 * As `killedAfter`, but counts effects: a write of several documents is cut between two of them, its first ones applied, and no
 * answer to it or to any later write arrives.
 */
export function killedInside(all: Collections, effectsMax: number, onKilled: () => void): Collections {
  let left = effectsMax;
  const cut = new Set<Write>();
  const die = () => {
    onKilled();
    throw new Error("killed");
  };
  return hookedCollections(all, {
    async before(write) {
      const [operations] = write.args;
      const effects = Array.isArray(operations) ? operations.length : 1;
      const applied = Math.min(left, effects);
      left -= applied;
      if (applied === effects) return;
      if (applied === 0 || !Array.isArray(operations)) return die();
      write.args[0] = operations.slice(0, applied);
      cut.add(write);
    },
    async after(write) {
      if (cut.has(write)) die();
    },
  });
}
