import { createReadStream } from "node:fs";
import type { AnyMessageContent } from "@whiskeysockets/baileys";
import type { Content, MediaContent } from "#shared/content.ts";
import type { proto } from "../baileys/baileys.ts";
import type { FetchedMedia } from "../media/fetched-media.ts";
import type { ChatTimer } from "./timer-from-whatsapp.ts";

/** A message ready to be relayed: recipient found, media fetched, checked and uploaded. */
export interface Prepared {
  /** The JID that the caller asked for. */
  to: string;
  /** The JID that WhatsApp names for it, which the stanza and all receipts carry. */
  jid: string;
  type: Content["type"];
  message: proto.IMessage;
}

/** A text in Baileys' form. Without a link preview, which would make the connector fetch a URL that a caller wrote. */
export function textToWhatsApp(text: string): AnyMessageContent {
  return { text, linkPreview: null };
}

/** Media in Baileys' form, as a stream of the fetched file: Baileys would open a path or URL itself. */
export function mediaToWhatsApp(content: MediaContent, media: FetchedMedia): AnyMessageContent {
  const { mimetype } = media;
  const file = { stream: createReadStream(media.path) };
  switch (content.type) {
    case "image":
      return { image: file, mimetype, ...captionOf(content) };
    case "video":
      return { video: file, mimetype, ...captionOf(content) };
    case "audio":
      return { audio: file, mimetype };
    case "voice":
      return { audio: file, mimetype, ptt: true };
    case "document":
      return {
        document: file,
        mimetype,
        fileName: content.fileName ?? media.fileName,
        ...captionOf(content),
      };
    case "sticker":
      return { sticker: file, mimetype };
  }
}

/** A message in the form that official clients give it in a chat where messages disappear; Baileys has set its timer. */
export function underTimer(message: proto.IMessage, timer: ChatTimer | null): proto.IMessage {
  const contents = Object.values(message) as ({ contextInfo?: proto.IContextInfo } | null)[];
  for (const content of timer ? contents : []) {
    if (!timer || !content?.contextInfo?.expiration) continue;
    content.contextInfo.ephemeralSettingTimestamp = Math.floor(timer.setAt / 1_000);
  }
  return message;
}

function captionOf({ caption }: { caption?: string | undefined }): { caption?: string } {
  return caption ? { caption } : {};
}
