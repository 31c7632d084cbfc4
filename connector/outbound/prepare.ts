import type { CommandDocument } from "#shared/collections.ts";
import { type CommandPayload, commandTable } from "#shared/commands.ts";
import type { Content, MediaKind } from "#shared/content.ts";
import type { Logger } from "#shared/log.ts";
import { parseWith } from "#shared/validation.ts";
import { generateWAMessage, type WASocket } from "../baileys/baileys.ts";
import { baileysLogger } from "../baileys/logger.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import type { FetchedMedia, MediaFetch } from "../media/fetched-media.ts";
import type { ChatTimers } from "../messages/chat-timers.ts";
import { mediaToWhatsApp, type Prepared, textToWhatsApp, underTimer } from "../messages/to-whatsapp.ts";
import type { Recipients } from "./recipients.ts";
import type { Uploads } from "./uploads.ts";

export interface PrepareOptions {
  recipients: Recipients;
  chatTimers: Pick<ChatTimers, "of">;
  uploads: Uploads;
  caches: SocketCaches;
  fetchMedia: MediaFetch;
  log: Logger;
}

/** Without it, Node's agent gives up on a silent media host after 5 s. */
const mediaUploadTimeoutMs = 60_000;

/**
 * Prepares a send ahead of its turn: finds the recipient and asks for its keys; fetches, checks and uploads media. Throws a
 * `ServiceError` that retrying cannot fix (`invalid_command`, `recipient_not_on_whatsapp`, `media_…`), and any other error
 * when it might.
 */
export async function prepare(
  command: CommandDocument & { messageId: string },
  wa: WASocket,
  options: PrepareOptions,
  signal: AbortSignal,
): Promise<Prepared> {
  const { to, content } = parseSend(command.payload);
  const userJid = wa.user?.id;
  if (!userJid) throw new Error("The socket has no account");
  const jid = await options.recipients.reach(wa, to);
  const timer = await options.chatTimers.of(jid);
  const { channelId } = command;
  await using converted = await baileysContent(content, (url, kind) =>
    options.fetchMedia(url, kind, { channelId, signal }),
  );
  const { message } = await generateWAMessage(jid, converted.content, {
    userJid,
    messageId: command.messageId,
    upload: options.uploads.over(wa),
    mediaCache: options.caches.mediaCache,
    mediaUploadTimeoutMs,
    ...(timer && { ephemeralExpiration: timer.seconds }),
    logger: baileysLogger(options.log),
  });
  if (!message) throw new Error("Baileys made no message");
  return { to, jid, type: content.type, message: underTimer(message, timer) };
}

/** The content in Baileys' form. Disposal removes fetched media. */
async function baileysContent(
  content: Content,
  fetchMedia: (url: string, kind: MediaKind) => Promise<FetchedMedia>,
) {
  if (content.type === "text") {
    return { content: textToWhatsApp(content.text), [Symbol.asyncDispose]: async () => undefined };
  }
  const media = await fetchMedia(content.media.url, content.type);
  return {
    content: mediaToWhatsApp(content, media),
    [Symbol.asyncDispose]: () => media[Symbol.asyncDispose](),
  };
}

function parseSend(payload: unknown): CommandPayload<"message.send"> {
  return parseWith(commandTable["message.send"].payload, payload, "invalid_command");
}
