import type { CommandDocument } from "../shared/collections.ts";
import { type CommandPayload, commandTable } from "../shared/commands.ts";
import type { Content, MediaContent } from "../shared/content.ts";
import type { Logger } from "../shared/log.ts";
import { parseWith } from "../shared/validation.ts";
import type { SocketCaches } from "./auth/caches.ts";
import { generateWAMessage, type proto, type WASocket } from "./baileys/baileys.ts";
import { baileysLogger } from "./baileys/logger.ts";
import type { Recipients } from "./recipients.ts";
import { type MediaFile, mediaToWhatsApp, textToWhatsApp } from "./to-whatsapp.ts";

/** A message that is ready for its turn: recipient known, media fetched, checked and uploaded. */
export interface Prepared {
  to: string;
  type: Content["type"];
  message: proto.IMessage;
}

/** Fetches what a message names. Throws a `ServiceError` `media_…`. */
export type MediaFetch = (content: MediaContent, signal: AbortSignal) => Promise<MediaFile>;

export interface PreparationOptions {
  recipients: Recipients;
  caches: SocketCaches;
  fetchMedia: MediaFetch;
  log: Logger;
}

/**
 * Everything about a send that may be done ahead of its turn. Throws a `ServiceError` for what repeating would not
 * mend (`invalid_command`, `recipient_not_on_whatsapp`, `media_…`), and anything else for what it might.
 */
export async function prepare(
  command: CommandDocument & { messageId: string },
  wa: WASocket,
  options: PreparationOptions,
  signal: AbortSignal,
): Promise<Prepared> {
  const { to, content } = parseSend(command.payload);
  const userJid = wa.user?.id;
  if (!userJid) throw new Error("The socket has no account");
  await options.recipients.check(wa, to);
  const words =
    content.type === "text"
      ? textToWhatsApp(content.text)
      : mediaToWhatsApp(content, await options.fetchMedia(content, signal));
  const { message } = await generateWAMessage(to, words, {
    userJid,
    messageId: command.messageId,
    upload: wa.waUploadToServer,
    mediaCache: options.caches.mediaCache,
    logger: baileysLogger(options.log),
  });
  if (!message) throw new Error("Baileys made no message");
  return { to, type: content.type, message };
}

function parseSend(payload: unknown): CommandPayload<"message.send"> {
  return parseWith(commandTable["message.send"].payload, payload, "invalid_command");
}
