import type { Db } from "mongodb";
import type { ChangeReports } from "#shared/change-hub.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Config } from "#shared/config.ts";
import type { Collections } from "#shared/database.ts";
import { createDeviceLookup } from "../baileys/devices.ts";
import { createSocketCaches, type SocketCaches } from "../baileys/socket-caches.ts";
import { createTokenBucket } from "../concurrency/token-bucket.ts";
import { type Connection, createConnection } from "../connection/connection.ts";
import { unusableConnection } from "../connection/unusable-connection.ts";
import { createInbox, type Inbox } from "../inbound/inbox.ts";
import { learningInbox } from "../inbound/learning-inbox.ts";
import { type InitialState, initialState } from "../machine/initial-state.ts";
import type { Signal } from "../machine/machine.ts";
import type { MediaFetch } from "../media/fetched-media.ts";
import { type ChatTimers, createChatTimers } from "../messages/chat-timers.ts";
import { createParties } from "../messages/parties.ts";
import { createResendRequests } from "../messages/resend-request.ts";
import { createRecipients } from "../outbound/recipients.ts";
import { createSender, type Sender, type Sending } from "../outbound/sender.ts";
import { createUploads } from "../outbound/uploads.ts";
import type { SessionScope } from "../session-scope.ts";
import type { Timings } from "../timings.ts";
import { createChannelStore } from "./channel-store.ts";
import { type ControlLane, createControlLane } from "./control-lane.ts";
import { createEffects, type Effects } from "./effects.ts";
import { createErasure, type Erasure } from "./erasure.ts";
import { createLinkedAccount } from "./linked-account.ts";
import { createMachineRunner, type MachineRunner } from "./machine-runner.ts";
import type { ChannelStores } from "./takeover.ts";

export interface SessionPartsOptions {
  db: Db;
  collections: Collections;
  /** As acquired: this connector is the owner. */
  channel: ChannelDocument;
  config: Pick<Config, "sendRate" | "sendBurst" | "whatsapp">;
  timings: Timings;
  fetchMedia: MediaFetch;
  /** Receives what is written. */
  changes?: Pick<ChangeReports, "pairingShown">;
  /** Resolves when one more connection may be opened. */
  turn(): Promise<void>;
  /** Releases what the session holds; nothing of it writes after this resolves. */
  release(): Promise<void>;
  /** The session is over and has hung up: it failed, or its channel was erased. */
  onEnd(hasFailed: boolean): void;
}

/** The working parts of a session. */
export interface SessionParts {
  initial: InitialState;
  inbox: Inbox;
  connection: Connection;
  effects: Effects;
  machineRunner: MachineRunner;
  sender: Sender;
  erasure: Erasure;
  controlLane: ControlLane;
}

/**
 * Makes the parts of a session and connects them: signals run from the connection and the control lane into the machine,
 * effects from the machine back to the connection; the machine's state opens and closes the sender.
 */
export function assembleSession(
  scope: SessionScope,
  stores: ChannelStores,
  options: SessionPartsOptions,
): SessionParts {
  const { db, collections, channel, config, timings } = options;
  const { auth, events, queue, messageStore, messageStatuses, fence } = stores;
  // Credentials that cannot be read belong to a linked channel, too.
  const isLinked = () => auth?.linked() ?? true;
  const signal = (signal: Signal, isCurrent?: () => boolean) =>
    void machineRunner.dispatch(signal, isCurrent);
  const caches = createSocketCaches();
  const initial = initialState(channel, isLinked(), scope.now());
  const channelStore = createChannelStore(collections, fence, (shown) => {
    if (!isDeleted()) options.changes?.pairingShown(shown);
  });
  const linkedAccount = createLinkedAccount({ channel, auth });
  const { ownJid, isWrongAccount } = linkedAccount;
  const parties = createParties(auth);
  const chatTimers = createChatTimers(collections, channel._id, parties);
  const published = createInbox(scope, { events, messageStore, messageStatuses, parties, ownJid });
  const inbox = learningInbox(scope, published, chatTimers);
  const connection = auth
    ? createConnection(scope, {
        auth,
        caches,
        timings,
        inbox,
        chatTimers,
        signal,
        turn: options.turn,
        whatsapp: config.whatsapp,
        mustUnlink: () => machineRunner.machine().unlink !== null,
        mustDiscard: () =>
          isDeleted() ||
          machineRunner.machine().unlink?.cause === "wrong_number" ||
          isWrongAccount(machineRunner.machine().method),
        getMessage: createResendRequests({ messageStore, parties, ownJid }),
      })
    : unusableConnection(signal);
  const { log } = scope;
  const effects = createEffects({ db, collections, fence, auth, signal, connection, log });
  const machineRunner = createMachineRunner(scope, {
    channelStore,
    // For callers, a deleted channel does not exist any more.
    events: {
      publish: (...event) => (isDeleted() ? Promise.resolve() : events.publish(...event)),
    },
    isLinked,
    account: linkedAccount,
    limits: timings,
    initial: initial.machine,
    lastDisconnect: channel.lastDisconnect,
    hasFormerCode: channel.pairing !== null,
    perform: effects.perform,
    forgetCode: queue.forgetPairingCodes,
    onChange: () => {
      const before = lastSending;
      lastSending = sending().kind;
      // Nothing has changed for it: it still cannot send.
      if (before !== "closed" || lastSending !== "closed") sender.ring();
    },
  });
  const sending = () => sendingOn(machineRunner, connection);
  let lastSending = sending().kind;
  const sender = assembleSender(scope, stores, options, { caches, chatTimers, sending });
  const { release, onEnd } = options;
  const stopSending = () => void sender.stop();
  const erasure = createErasure(scope, { db, channelStore, machineRunner, stopSending, release, onEnd });
  const isDeleted = () => channel.deletedAt !== null || erasure.hasBegun();
  const lane = { queue, machineRunner, channelStore, db: collections, isLinked, erase: erasure.erase };
  const controlLane = createControlLane(scope, lane);
  return { initial, inbox, connection, effects, machineRunner, sender, erasure, controlLane };
}

function assembleSender(
  scope: SessionScope,
  { queue, messageStatuses, messageStore, announcements }: ChannelStores,
  { config, timings, fetchMedia }: SessionPartsOptions,
  { caches, chatTimers, sending }: { caches: SocketCaches; chatTimers: ChatTimers; sending: () => Sending },
): Sender {
  const { log } = scope;
  const asking = {
    recipients: createRecipients({
      recipientMs: timings.recipientMs,
      devicesOf: createDeviceLookup(caches.userDevicesCache),
    }),
    uploads: createUploads({ recipientMs: timings.recipientMs, log }),
  };
  return createSender(scope, {
    queue,
    messageStatuses,
    messageStore,
    announcements,
    ackMs: timings.ackMs,
    overtakeMs: timings.overtakeMs,
    bucket: createTokenBucket(config.sendRate, config.sendBurst),
    preparation: { ...asking, caches, chatTimers, fetchMedia, log },
    sending,
  });
}

function sendingOn(machineRunner: MachineRunner, connection: Connection): Sending {
  const { state } = machineRunner.machine();
  if (state === "logged_out") return { kind: "logged_out" };
  const socket = state === "active" ? connection.current() : null;
  return socket ? { kind: "open", ...socket } : { kind: "closed" };
}
