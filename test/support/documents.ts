import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { hashSecret } from "#shared/api-key.ts";
import { channelType } from "#shared/channel.ts";
import type { ApiKeyDocument, ChannelDocument, CommandDocument } from "#shared/collections.ts";

/** A channel as the functions create it. */
export function channelDocument(fields: Partial<ChannelDocument> = {}): ChannelDocument {
  const _id = fields._id ?? randomUUID();
  return {
    _id,
    channelId: _id,
    type: channelType,
    name: "A channel",
    metadata: {},
    config: { phoneNumber: null, qrCode: null, pairingCode: null },
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    lastStatusUpdate: new Date(),
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    createdAt: new Date(),
    deletedAt: null,
    ...fields,
  };
}

/** A command as the functions insert it; the database sets its `ord`. */
export function commandDocument(channelId: string, fields: Partial<CommandDocument> = {}): CommandDocument {
  const now = Date.now();
  return {
    _id: randomUUID(),
    channelId,
    type: "message.send",
    lane: 1,
    ord: new Timestamp({ t: 0, i: 0 }),
    state: "queued",
    payload: { to: "15550100001@s.whatsapp.net", content: { type: "text", text: "Hello" } },
    attempts: 0,
    notBefore: new Date(now - 1_000),
    expiresAt: new Date(now + 600_000),
    createdAt: new Date(now),
    ...fields,
  };
}

/** The row of an API key, an administrator's unless `fields` says otherwise. */
export function keyDocument(key: string, fields: Partial<ApiKeyDocument> = {}): ApiKeyDocument {
  return {
    _id: randomUUID(),
    name: "test",
    hash: hashSecret(key),
    scopes: ["admin"],
    channels: null,
    createdAt: new Date(),
    expiresAt: null,
    revokedAt: null,
    ...fields,
  };
}
