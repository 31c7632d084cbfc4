import type { Db } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import { type AuthState, openAuthState } from "../auth/auth-state.ts";
import { settleAbandoned } from "../commands/abandoned.ts";
import { type CommandQueue, commandQueue } from "../commands/command-queue.ts";
import { type EventLog, openEventLog } from "../events/event-log.ts";
import { type Told, toldIn } from "../events/told.ts";
import { createDelivery, type Delivery } from "../messages/delivery.ts";
import { type MessageRecord, messageRecord } from "../messages/message-record.ts";
import type { Fence } from "../ownership/fence.ts";
import type { Lease } from "../ownership/lease.ts";

/** What an owner holds of a channel: everything it writes through. */
export interface Holdings {
  fence: Fence;
  events: EventLog;
  /** Null when there are credentials that cannot be used; see the log for why. */
  auth: AuthState | null;
  queue: CommandQueue;
  messages: MessageRecord;
  delivery: Delivery;
  told: Told;
}

export interface TakeoverOptions {
  db: Db;
  collections: Collections;
  channel: ChannelDocument;
  lease: Pick<Lease, "id" | "ended" | "isValid">;
  config: Pick<Config, "encryptionKeys" | "whatsapp">;
  /** Nothing can be written any more. */
  onLost(error: Error): void;
  log: Logger;
}

/**
 * Raises both fences before anything is read, and settles the commands that the former owner left running. Throws
 * `FencedError` when somebody else was faster, and the database's error.
 */
export async function takeOver(options: TakeoverOptions): Promise<Holdings> {
  const { collections, channel, lease } = options;
  const fence: Fence = { channelId: channel._id, epoch: channel.owner.epoch, isHeld: lease.isValid };
  const events = await openEventLog(collections.events, fence);
  await using opened = new AsyncDisposableStack();
  const auth = await openAuth(options, fence);
  if (auth) opened.use(auth);
  const queue = commandQueue(collections.commands, fence, lease.id);
  const messages = messageRecord(collections, channel._id);
  const told = toldIn(collections, channel._id);
  const delivery = createDelivery({ log: events, told, record: messages, onArrived: queue.settleUnknown });
  await queue.reserve();
  await settleAbandoned({ queue, delivery, told });
  opened.move();
  return { fence, events, auth, queue, messages, delivery, told };
}

/** Credentials that are there and cannot be used are not the same as none: nothing is made in their place. */
async function openAuth(
  options: TakeoverOptions,
  { channelId, epoch, isHeld }: Fence,
): Promise<AuthState | null> {
  const { db, config, lease, onLost, log } = options;
  try {
    return await openAuthState({
      db,
      channelId,
      epoch,
      masterKeys: config.encryptionKeys,
      server: serverName(config),
      onLost,
      signal: lease.ended,
      ...(isHeld && { isHeld }),
    });
  } catch (error) {
    if (!(error instanceof AuthStateError) || !unusable.includes(error.fault)) throw error;
    log.error({ event: "credentials_unreadable", channelId, fault: error.fault }, error.message);
    return null;
  }
}

const unusable: readonly AuthStateError["fault"][] = ["unknown_master_key", "unreadable", "wrong_server"];

/** Names the server that credentials belong to. */
function serverName({ whatsapp: { server } }: Pick<Config, "whatsapp">): string {
  return server ? server.rootKey.toString("hex") : "whatsapp";
}
