import type { CommandDocument } from "#shared/collections.ts";
import { type CommandPayload, commandTable } from "#shared/commands.ts";
import type { Content } from "#shared/content.ts";
import type { Logger } from "#shared/log.ts";
import { parseWith } from "#shared/validation.ts";
import { generateWAMessage, type WASocket } from "../baileys/baileys.ts";
import { baileysLogger } from "../baileys/logger.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import type { MediaFetch } from "../media/fetched-media.ts";
import { mediaToWhatsApp, type Prepared, textToWhatsApp } from "../messages/to-whatsapp.ts";
import type { RecipientCheck } from "./recipient-check.ts";

export interface PrepareOptions {
  recipientCheck: RecipientCheck;
  caches: SocketCaches;
  fetchMedia: MediaFetch;
  log: Logger;
}

/** Without one a media host that says nothing is given up after the 5 s of Node's agent. */
const mediaUploadTimeoutMs = 60_000;

/**
 * Everything about a send that may be done ahead of its turn. Throws a `ServiceError` for what repeating would not
 * mend (`invalid_command`, `recipient_not_on_whatsapp`, `media_…`), and anything else for what it might.
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
  await options.recipientCheck.check(wa, to);
  await using words = await wordsOf(content, options.fetchMedia, signal);
  const { message } = await generateWAMessage(to, words.content, {
    userJid,
    messageId: command.messageId,
    upload: wa.waUploadToServer,
    mediaCache: options.caches.mediaCache,
    mediaUploadTimeoutMs,
    logger: baileysLogger(options.log),
  });
  if (!message) throw new Error("Baileys made no message");
  return { to, type: content.type, message };
}

/** The content in Baileys' words; what was fetched for it is removed on disposal. */
async function wordsOf(content: Content, fetchMedia: MediaFetch, signal: AbortSignal) {
  if (content.type === "text") {
    return { content: textToWhatsApp(content.text), [Symbol.asyncDispose]: async () => undefined };
  }
  const media = await fetchMedia(content.media.url, content.type, signal);
  return {
    content: mediaToWhatsApp(content, media),
    [Symbol.asyncDispose]: () => media[Symbol.asyncDispose](),
  };
}

function parseSend(payload: unknown): CommandPayload<"message.send"> {
  return parseWith(commandTable["message.send"].payload, payload, "invalid_command");
}
