import type { ChannelStatus } from "#shared/channel.ts";
import type { CommandState } from "#shared/commands.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { jsonField, textField } from "./json-field.ts";
import { type Failure, isCommandState } from "./outcome.ts";
import type { CodePairing, QrPairing } from "./pairing.ts";
import type { Answer } from "./request.ts";
import { RequestError } from "./request-error.ts";
import { isChannelStatus } from "./status-words.ts";

/** The fields of an API channel that the page uses. */
export interface Channel {
  channelId: string;
  name: string;
  phoneNumber: string | null;
  status: ChannelStatus;
  /** A plain string, since a newer server may have reasons unknown to this page. */
  reason: string | null;
  /** RFC 3339. */
  retryAt: string | null;
}

export interface ChannelList {
  channels: Channel[];
  nextCursor: string | null;
}

export interface Accepted {
  messageId: string;
  status: MessageStatus;
  commandId: string | null;
}

/** Whether a control command was executed, is still being executed, or waits because no connector is running. */
export type Control = "done" | "running" | "stored";

export interface Command {
  state: CommandState;
  error: Failure | null;
}

export interface ConsoleInfo {
  version: string | null;
  /** URL of the simulated phone, if this is the sandbox. */
  sandboxUrl: string | null;
}

/*
 * Each function reads the body of a response. It throws `unexpected_answer` if a field that the page depends on is
 * missing: a proxy wrote the body, or the page is older than the server.
 */

export function channelIn(value: unknown): Channel {
  const status = jsonField(value, "status");
  const name = textField(value, "name");
  const channelId = textField(value, "channelId");
  if (channelId === null || name === null || !isChannelStatus(status)) throw unexpected();
  return {
    channelId,
    name,
    status,
    phoneNumber: textField(value, "phoneNumber"),
    reason: textField(value, "reason"),
    retryAt: textField(value, "retryAt"),
  };
}

export function channelListIn(body: unknown): ChannelList {
  const channels = jsonField(body, "payload");
  if (!Array.isArray(channels)) throw unexpected();
  return { channels: channels.map(channelIn), nextCursor: textField(body, "nextCursor") };
}

export function acceptedIn(body: unknown): Accepted {
  const payload = jsonField(body, "payload");
  const messageId = textField(payload, "messageId");
  const status = jsonField(payload, "status");
  if (messageId === null || !isMessageStatus(status)) throw unexpected();
  return { messageId, status, commandId: textField(payload, "commandId") };
}

/** The server does not wait, although asked to, when no connector is alive to execute the command. */
export function controlIn({ status, body, isPreferenceApplied }: Answer): Control {
  if (status !== 202) return "done";
  if (!isPreferenceApplied) return "stored";
  return jsonField(jsonField(body, "payload"), "status") === "queued" ? "running" : "done";
}

export function commandIn(body: unknown): Command {
  const payload = jsonField(body, "payload");
  const state = jsonField(payload, "state");
  if (!isCommandState(state)) throw unexpected();
  const error = jsonField(payload, "error");
  const code = textField(error, "code");
  return { state, error: code === null ? null : { code, message: textField(error, "message") ?? code } };
}

/** Null if the code does not exist yet; an event will carry it. */
export function codeIn(body: unknown): CodePairing | null {
  const payload = jsonField(body, "payload");
  const code = textField(payload, "code");
  const expiresAt = textField(payload, "expiresAt");
  return code === null || expiresAt === null ? null : { kind: "code", code, expiresAt };
}

/** `qrCode` is the path of the image. */
export function qrIn(body: unknown, qrCode: string): QrPairing {
  const payload = jsonField(body, "payload");
  const attempt = jsonField(payload, "attempt");
  const of = jsonField(payload, "of");
  const expiresAt = textField(payload, "expiresAt");
  if (typeof attempt !== "number" || typeof of !== "number" || expiresAt === null) throw unexpected();
  // Browsers cache images by URL, and each attempt has a different image.
  return { kind: "qr", qrCode: `${qrCode}?attempt=${attempt}`, attempt, of, expiresAt };
}

export function infoIn(body: unknown): ConsoleInfo {
  return { version: textField(body, "version"), sandboxUrl: textField(body, "sandboxUrl") };
}

function isMessageStatus(value: unknown): value is MessageStatus {
  return typeof value === "string" && Object.hasOwn(messageStatusRank, value);
}

function unexpected(): RequestError {
  const message = "The server sent an unexpected response. Reload the page: it may be older than the server.";
  return new RequestError("unexpected_answer", message, { status: 0 });
}
