import type { Db } from "mongodb";
import {
  type CollectionName,
  type FenceDocument,
  fenceId,
  collectionNames as names,
} from "#shared/collections.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { MachineRunner } from "./machine-runner.ts";

/** The end of a channel, as its session carries it out. */
export interface Erasure {
  /** Unlinks as far as WhatsApp can be reached, and removes everything. Once, however often it is called. */
  erase(): Promise<void>;
}

export interface ErasureOptions {
  db: Db;
  channelId: string;
  channelStore: Pick<ChannelStore, "markDeleted">;
  machineRunner: Pick<MachineRunner, "dispatch" | "until">;
  isOwner(): boolean;
  /** Gives up what the session holds; nothing of it writes any more when this resolves. */
  release(): Promise<void>;
  onEnd(hasFailed: boolean): void;
  log: Logger;
}

const unlinkMs = 20_000;
const fenceKeptDays = 30;

/** By what the TTL index of a fenced collection goes. */
const expiries = {
  /** As an event of now: as long as events are kept. */
  [names.events]: { timestamp: "$$NOW" },
  [names.authKeys]: {
    expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "day", amount: fenceKeptDays } },
  },
};

export function createErasure(options: ErasureOptions): Erasure {
  const { db, channelId, channelStore, machineRunner, isOwner, release, onEnd, log } = options;
  let erasing: Promise<void> | null = null;

  const erase = async () => {
    await channelStore.markDeleted();
    await machineRunner.dispatch({ type: "unlink" });
    await machineRunner.until(({ state }) => state === "logged_out", unlinkMs);
    // Deposed meanwhile: the mark is there, and the next owner erases.
    if (!isOwner()) return;
    await release();
    try {
      await eraseChannel(db, channelId);
      onEnd(false);
    } catch (error) {
      log.warn({ event: "erase", ...errorTrace(error) }, "what is left is erased at the next look");
      onEnd(true);
    }
  };

  return {
    async erase() {
      erasing ??= erase();
      await erasing;
    },
  };
}

/**
 * Removes all that is left of a channel. Its document goes last, so that an erasure that was interrupted is taken up
 * again; the fences stay for days, so that a former owner cannot write what nobody would remove.
 */
export async function eraseChannel(db: Db, channelId: string): Promise<void> {
  await eraseFrom(
    db,
    [names.authCreds, names.authKeys, names.commands, names.messages, names.events],
    channelId,
  );
  for (const [name, expiry] of Object.entries(expiries)) {
    await db.collection<FenceDocument>(name).updateOne({ _id: fenceId(channelId) }, [{ $set: expiry }]);
  }
  await db.collection<{ _id: string }>(names.channels).deleteOne({ _id: channelId });
  // Who found the channel a moment ago may have inserted one since, which nobody would ever claim.
  await eraseFrom(db, [names.commands], channelId);
}

async function eraseFrom(db: Db, collections: readonly CollectionName[], channelId: string): Promise<void> {
  for (const name of collections) {
    await db.collection<FenceDocument>(name).deleteMany({ channelId, _id: { $ne: fenceId(channelId) } });
  }
}
