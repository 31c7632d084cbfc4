import type { Db } from "mongodb";
import type { ChangeReports } from "#shared/change-hub.ts";
import type { ChannelDocument, EventDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { normaliseJid } from "#shared/jid.ts";
import type { Logger } from "#shared/log.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import { type AuthState, openAuthState } from "../auth/auth-state.ts";
import { type CommandQueue, createCommandQueue } from "../commands/command-queue.ts";
import type { CommandWrites } from "../commands/command-writes.ts";
import { rescueOrphans } from "../commands/rescue-orphans.ts";
import { type EventLog, openEventLog } from "../events/event-log.ts";
import { createPublishedStatuses, type PublishedStatuses } from "../events/published-statuses.ts";
import { type Announcements, createAnnouncements } from "../messages/announcements.ts";
import { keyNames } from "../messages/key-names.ts";
import { createMessageSeal, type MessageSeal } from "../messages/message-seal.ts";
import { createMessageStatuses, type MessageStatuses } from "../messages/message-status.ts";
import { createMessageStore, type MessageStore } from "../messages/message-store.ts";
import type { ConnectorLease } from "../ownership/connector-lease.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import { channelWrites } from "./channel-writes.ts";

/** Everything through which an owner writes to its channel. */
export interface ChannelStores {
  fence: Fence;
  events: EventLog;
  /** Null when the credentials cannot be read; the log says why. */
  auth: AuthState | null;
  queue: CommandQueue;
  messageStore: MessageStore;
  messageStatuses: MessageStatuses;
  publishedStatuses: PublishedStatuses;
  announcements: Announcements;
}

export interface TakeoverOptions {
  db: Db;
  collections: Collections;
  /** Receives what is written. Absent: others hear of it by the stream of changes. */
  changes?: ChangeReports;
  channel: ChannelDocument;
  /** Shared by the channels of a process. */
  commandWrites?: CommandWrites;
  lease: Pick<ConnectorLease, "id" | "ended" | "isValid" | "now">;
  config: Pick<Config, "encryptionKeys" | "whatsapp">;
  /** Whether a living connector is left that may be able to open credentials which this one cannot. */
  canOthersOpen(): Promise<boolean>;
  /** Whether every living connector has this master key, so that it may wrap data keys. */
  isSharedKey?: (masterKeyId: string) => boolean;
  /** Called once nothing more can be written. */
  onLost(error: Error): void;
  log: Logger;
}

/** The credentials cannot be opened here: the channel is left, unchanged, to a connector that may be able to. */
export class LeftToOthersError extends Error {
  override readonly name = "LeftToOthersError";
}

/**
 * Raises each fence before it reads what that guards, and rescues the commands that the former owner left running. Throws
 * `FencedError` when another connector won the race, `LeftToOthersError`, or the database's error.
 */
export async function takeOver(options: TakeoverOptions): Promise<ChannelStores> {
  const { collections, changes, channel, lease, commandWrites, onLost } = options;
  const { isValid: isHeld, now } = lease;
  const fence: Fence = { channelId: channel._id, epoch: channel.owner.epoch, isHeld, now };
  await using opened = new AsyncDisposableStack();
  let messageStatuses: MessageStatuses | undefined;
  const onAppended = (appended: readonly EventDocument[]) => changes?.eventsAppended(appended);
  const unraisedAfter = () => messageStatuses?.unraisedAfter();
  const [events, auth] = await bothOf(
    openEventLog(collections.events, fence, { onAppended, unraisedAfter, isNew: isNew(channel) }),
    openAuth(options, fence).then((auth) => auth && opened.use(auth)),
  );
  const queue = createCommandQueue(collections.commands, fence, lease.id, {
    ...(commandWrites && { writes: commandWrites }),
    onSettled: (id, settlement) => changes?.commandEnded(id, settlement),
  });
  const messageStore = createMessageStore(collections, channel._id, sealOf(options, fence), fence);
  const publishedStatuses = createPublishedStatuses(collections, channel._id);
  messageStatuses = createMessageStatuses({
    events,
    publishedStatuses,
    messageStore,
    onArrived: queue.settleUnknown,
    onError: (error) =>
      onLost(error instanceof Error ? error : new Error("A status was not kept", { cause: error })),
  });
  // Beside the rest: nothing depends on the rows.
  void messageStatuses.repair();
  const announcements = createAnnouncements(
    { channelId: channel._id, now: () => dateOf(fence).getTime() },
    {
      events,
      keyNames: keyNames(collections.apiKeys),
      ownJid: () => (auth?.linked() && normaliseJid(auth.state.creds.me?.id)) || "",
    },
  );
  const stores: ChannelStores = {
    ...{ fence, events, auth, queue, messageStore },
    ...{ messageStatuses, publishedStatuses, announcements },
  };
  if (!isNew(channel)) await rescue(stores, channel);
  opened.move();
  return stores;
}

/** The key of its messages is in the channel's document. */
function sealOf({ collections, channel, config, isSharedKey }: TakeoverOptions, fence: Fence): MessageSeal {
  return createMessageSeal({
    channel,
    masterKeys: config.encryptionKeys,
    isSharedKey,
    save: (messageKeys) => channelWrites(collections.channels).submit({ fence, fields: { messageKeys } }),
  });
}

/** Whether no owner had the channel before: there is nobody to fence out, and nothing to rescue. */
function isNew({ owner }: ChannelDocument): boolean {
  return owner.epoch === 1;
}

async function rescue(stores: ChannelStores, { pairing }: ChannelDocument): Promise<void> {
  const { queue } = stores;
  const { hasQueued, hasBegun } = await queue.look();
  if (hasQueued) await queue.reserve();
  // A code died with the owner that showed it.
  if (pairing?.kind === "code") await queue.forgetPairingCodes();
  if (hasQueued || hasBegun) await rescueOrphans(stores);
}

/** As `Promise.all`, but rejects only when both have ended. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return await Promise.all([one, other]);
}

/** Resolves to null for credentials that exist but cannot be read. They are kept: new ones would replace them for good. */
async function openAuth(
  options: TakeoverOptions,
  { channelId, epoch, isHeld, now }: Fence,
): Promise<AuthState | null> {
  const { db, config, lease, onLost, canOthersOpen, isSharedKey, log } = options;
  try {
    return await openAuthState({
      db,
      channelId,
      epoch,
      masterKeys: config.encryptionKeys,
      server: serverName(config),
      onLost,
      isNew: isNew(options.channel),
      signal: lease.ended,
      ...(isHeld && { isHeld }),
      ...(now && { now }),
      ...(isSharedKey && { isSharedKey }),
    });
  } catch (error) {
    if (!(error instanceof AuthStateError) || !unreadable.includes(error.fault)) throw error;
    if (await canOthersOpen()) throw new LeftToOthersError(error.message, { cause: error });
    log.error(
      { event: "credentials_unreadable", channelId, fault: error.fault },
      "the stored credentials of a channel cannot be read",
    );
    return null;
  }
}

const unreadable: readonly AuthStateError["fault"][] = ["unknown_master_key", "unreadable", "wrong_server"];

/** Names the WhatsApp server that the credentials belong to. */
function serverName({ whatsapp: { server } }: Pick<Config, "whatsapp">): string {
  return server ? server.rootKey.toString("hex") : "whatsapp";
}
