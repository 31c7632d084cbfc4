/** The indexes of every collection, as data. */

import type { IndexDescription } from "mongodb";
import type { CollectionName } from "./collections.ts";

/** How many days events and messages are kept. */
export interface Retention {
  eventsDays: number;
  messagesDays: number;
}

const commandsKeptDays = 7;
const daySeconds = 86_400;

/** Indexes that only former versions need, by collection; `ensureIndexes` drops them. */
export const formerIndexes: Partial<Record<CollectionName, readonly string[]>> = {
  whatsapp_auth_keys: ["channel"],
  messages: ["kept"],
};

/** Every index, by collection. `ensureIndexes` creates them; health checks compare against them. */
export function indexes(retention: Retention): Record<CollectionName, IndexDescription[]> {
  return {
    channels: [
      { name: "status", key: { status: 1, _id: 1 } },
      { name: "owner", key: { "owner.connector": 1, wanted: 1 } },
    ],
    commands: [
      { name: "next", key: { channelId: 1, state: 1, lane: 1, ord: 1, _id: 1 } },
      { name: "open", key: { state: 1, expiresAt: 1 } },
      {
        name: "message",
        key: { channelId: 1, messageId: 1 },
        unique: true,
        partialFilterExpression: { messageId: { $exists: true } },
      },
      // Commands that other services inserted, until they are adopted.
      { name: "stray", key: { attempts: 1 }, partialFilterExpression: { attempts: null } },
      { name: "kept", key: { doneAt: 1 }, expireAfterSeconds: commandsKeptDays * daySeconds },
    ],
    events: [
      {
        name: "log",
        key: { channelId: 1, seq: 1 },
        unique: true,
        partialFilterExpression: { seq: { $exists: true } },
      },
      // The order across channels. The last two fields let a reader skip rows that it already has.
      {
        name: "order",
        key: { ord: 1, channelId: 1, seq: 1 },
        partialFilterExpression: { ord: { $exists: true } },
      },
      { name: "kept", key: { timestamp: 1 }, expireAfterSeconds: retention.eventsDays * daySeconds },
    ],
    messages: [
      { name: "message", key: { channelId: 1, messageId: 1 } },
      { name: "chat", key: { channelId: 1, chat: 1, sentAt: -1, _id: -1 } },
      { name: "newest", key: { channelId: 1, sentAt: -1, _id: -1 } },
      {
        name: "recorded",
        key: { recordedAt: 1 },
        expireAfterSeconds: retention.messagesDays * daySeconds,
      },
      {
        name: "unsupported",
        key: { readBy: 1 },
        partialFilterExpression: { type: "unsupported" },
      },
      // Rows of a former version.
      {
        name: "former",
        key: { timestamp: 1 },
        expireAfterSeconds: retention.messagesDays * daySeconds,
        partialFilterExpression: { timestamp: { $exists: true } },
      },
    ],
    chats: [{ name: "channel", key: { channelId: 1 } }],
    whatsapp_auth_creds: [{ name: "channel", key: { channelId: 1 } }],
    whatsapp_auth_keys: [
      // No index on the channel: it begins every id.
      {
        name: "kept",
        key: { expiresAt: 1 },
        expireAfterSeconds: 0,
        partialFilterExpression: { expiresAt: { $exists: true } },
      },
    ],
    connectors: [
      { name: "alive", key: { state: 1, aliveUntil: 1 } },
      { name: "kept", key: { aliveUntil: 1 }, expireAfterSeconds: 7 * daySeconds },
    ],
    api_keys: [{ name: "hash", key: { hash: 1 }, unique: true }],
    console_sessions: [{ name: "kept", key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
    socket_sessions: [{ name: "kept", key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
    pairing_requests: [
      { name: "number", key: { phoneNumber: 1, at: 1 } },
      { name: "kept", key: { at: 1 }, expireAfterSeconds: 3_600 },
    ],
    idempotency_keys: [{ name: "kept", key: { createdAt: 1 }, expireAfterSeconds: daySeconds }],
  };
}
