import type { Db, Document } from "mongodb";
import {
  type CollectionName,
  type CommandDocument,
  type FenceDocument,
  fenceId,
  collectionNames as names,
} from "#shared/collections.ts";
import type { CommandType } from "#shared/commands.ts";
import { durable } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { type Settlement, settlementFields } from "../commands/settlement.ts";
import type { SessionScope } from "../session-scope.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { MachineRunner } from "./machine-runner.ts";

/** Erases a channel. */
export interface Erasure {
  /**
   * Erases what the channel holds, unlinks it, and erases its credentials when WhatsApp has confirmed that, or has not for too
   * long. Runs once, however often it is called. Resolves early when the session ends: the next owner continues.
   */
  erase(): Promise<void>;
  /** Starts `erase`, or removes what callers have inserted since. */
  tidy(): Promise<void>;
  hasBegun(): boolean;
}

export interface ErasureOptions {
  db: Db;
  channelStore: Pick<ChannelStore, "markDeleted">;
  machineRunner: Pick<MachineRunner, "dispatch" | "until">;
  /** Claims no more sends. */
  stopSending(): void;
  /** Releases what the session holds; nothing of it writes after this resolves. */
  release(): Promise<void>;
  onEnd(hasFailed: boolean): void;
}

const fenceKeptDays = 30;

/** The command of this type stays until the index removes it: callers read there how the deletion went. */
const deletion: CommandType = "channel.delete";
const openStates = ["queued", "running"] as const;

/** The field that the TTL index of each fenced collection uses. */
const expiries = {
  /** Keeps the fence as long as an event that is published now. */
  [names.events]: { timestamp: "$$NOW" },
  [names.authKeys]: {
    expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "day", amount: fenceKeptDays } },
  },
};

export function createErasure(
  { channelId, ended, isOwner, fail, log }: SessionScope,
  { db, channelStore, machineRunner, stopSending, release, onEnd }: ErasureOptions,
): Erasure {
  let erasing: Promise<void> | null = null;

  const run = async () => {
    stopSending();
    await channelStore.markDeleted();
    await eraseContents(db, channelId);
    await machineRunner.dispatch({ type: "unlink", cause: "deletion" });
    const last = await machineRunner.until(({ unlink }) => unlink === null, ended);
    // Stopped or deposed meanwhile: the channel is marked, and the next owner erases it.
    if (!last || !isOwner()) return;
    await release();
    try {
      await eraseChannel(db, channelId, last.state === "logged_out" ? confirmed : unconfirmed);
      onEnd(false);
    } catch (error) {
      log.warn(
        { event: "erase", ...errorTrace(error) },
        "channel not erased completely, retried by the sweep",
      );
      onEnd(true);
    }
  };
  const erase = () => {
    erasing ??= run();
    return erasing;
  };

  return {
    erase,
    hasBegun: () => erasing !== null,
    async tidy() {
      if (erasing !== null) return eraseCommands(db, channelId);
      erase().catch(fail);
    },
  };
}

const confirmed: Settlement = { state: "succeeded", result: {} };
const unconfirmed: Settlement = {
  state: "failed",
  error: {
    code: "expired",
    message: "Erased, but WhatsApp never confirmed that the device is removed: remove it on the phone",
  },
};

/** Removes what a channel holds, except its credentials and the commands that delete it. */
async function eraseContents(db: Db, channelId: string): Promise<void> {
  await eraseFrom(db, names.messages, { channelId });
  await eraseFrom(db, names.chats, { channelId });
  // Every row but the fence has a number, and the index knows only those.
  await eraseFrom(db, names.events, { channelId, seq: { $exists: true } });
  await eraseCommands(db, channelId);
}

async function eraseCommands(db: Db, channelId: string): Promise<void> {
  await eraseFrom(db, names.commands, { channelId, type: { $ne: deletion } });
}

/**
 * Removes everything of a channel, and settles the commands that delete it. Its document is removed last, so that an
 * interrupted erasure is resumed. The fences stay for days, so that a former owner cannot write rows that would never be
 * removed.
 */
export async function eraseChannel(db: Db, channelId: string, end: Settlement): Promise<void> {
  const open = { channelId, state: { $in: [...openStates] } };
  const settle = () =>
    db
      .collection<CommandDocument>(names.commands)
      .updateMany({ ...open, type: deletion }, [{ $set: settlementFields(end) }], durable);
  // An owner that resumes this finds no credentials, which it takes for a confirmed unlinking.
  if (end.state !== "succeeded") await settle();
  await eraseFrom(db, names.authCreds, { channelId });
  // Only the id has an index; `0` is the character after the slash.
  const ids = { $gte: `${channelId}/`, $lt: `${channelId}0` };
  await eraseFrom(db, names.authKeys, { channelId, _id: ids });
  await eraseContents(db, channelId);
  for (const [name, expiry] of Object.entries(expiries)) {
    await db.collection<FenceDocument>(name).updateOne({ _id: fenceId(channelId) }, [{ $set: expiry }]);
  }
  await settle();
  await db.collection<{ _id: string }>(names.channels).deleteOne({ _id: channelId }, durable);
  // A function that found the channel a moment ago may have inserted a command since, which would never be claimed.
  await eraseFrom(db, names.commands, open);
  await eraseCommands(db, channelId);
}

async function eraseFrom(db: Db, name: CollectionName, rows: Document): Promise<void> {
  const filter = { $and: [rows, { _id: { $ne: fenceId(String(rows.channelId)) } }] };
  await db.collection<FenceDocument>(name).deleteMany(filter);
}
