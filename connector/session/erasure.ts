import type { Db } from "mongodb";
import {
  type CollectionName,
  type FenceDocument,
  fenceId,
  collectionNames as names,
} from "#shared/collections.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { SessionScope } from "../session-scope.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { MachineRunner } from "./machine-runner.ts";

/** Erases a channel. */
export interface Erasure {
  /** Unlinks if WhatsApp can be reached, and erases everything. Runs once, however often it is called. */
  erase(): Promise<void>;
}

export interface ErasureOptions {
  db: Db;
  channelStore: Pick<ChannelStore, "markDeleted">;
  machineRunner: Pick<MachineRunner, "dispatch" | "until">;
  /** Releases what the session holds; nothing of it writes after this resolves. */
  release(): Promise<void>;
  onEnd(hasFailed: boolean): void;
}

const unlinkWaitMs = 20_000;
const fenceKeptDays = 30;

/** The field that the TTL index of each fenced collection uses. */
const expiries = {
  /** Keeps the fence as long as an event that is published now. */
  [names.events]: { timestamp: "$$NOW" },
  [names.authKeys]: {
    expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "day", amount: fenceKeptDays } },
  },
};

export function createErasure(
  { channelId, isOwner, log }: Pick<SessionScope, "channelId" | "isOwner" | "log">,
  { db, channelStore, machineRunner, release, onEnd }: ErasureOptions,
): Erasure {
  let erasing: Promise<void> | null = null;

  const erase = async () => {
    await channelStore.markDeleted();
    await machineRunner.dispatch({ type: "unlink" });
    await machineRunner.until(({ state }) => state === "logged_out", unlinkWaitMs);
    // Deposed meanwhile: the channel is marked, and the next owner erases it.
    if (!isOwner()) return;
    await release();
    try {
      await eraseChannel(db, channelId);
      onEnd(false);
    } catch (error) {
      log.warn(
        { event: "erase", ...errorTrace(error) },
        "channel not erased completely, retried by the sweep",
      );
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
 * Removes everything of a channel. Its document is removed last, so that an interrupted erasure is resumed. The fences stay
 * for days, so that a former owner cannot write rows that would never be removed.
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
  // A function that found the channel a moment ago may have inserted a command since, which would never be claimed.
  await eraseFrom(db, [names.commands], channelId);
}

async function eraseFrom(db: Db, collections: readonly CollectionName[], channelId: string): Promise<void> {
  for (const name of collections) {
    await db.collection<FenceDocument>(name).deleteMany({ channelId, _id: { $ne: fenceId(channelId) } });
  }
}
