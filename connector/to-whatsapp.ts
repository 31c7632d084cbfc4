import type { AnyMessageContent } from "@whiskeysockets/baileys";
import type { MediaContent } from "../shared/content.ts";

/** What was fetched for a message. */
export interface MediaFile {
  bytes: Buffer;
  mimetype: string;
  fileName?: string;
}

/** A text in Baileys' words. No link preview: it would make the connector fetch what a caller wrote. */
export function textToWhatsApp(text: string): AnyMessageContent {
  return { text, linkPreview: null };
}

/** Media in Baileys' words. Only bytes are handed over: an address could be a local file's path to it. */
export function mediaToWhatsApp(
  content: MediaContent,
  { bytes, mimetype, fileName }: MediaFile,
): AnyMessageContent {
  switch (content.type) {
    case "image":
      return { image: bytes, mimetype, ...caption(content) };
    case "video":
      return { video: bytes, mimetype, ...caption(content) };
    case "audio":
      return { audio: bytes, mimetype };
    case "voice":
      return { audio: bytes, mimetype, ptt: true };
    case "document":
      return {
        document: bytes,
        mimetype,
        fileName: content.fileName ?? fileName ?? "document",
        ...caption(content),
      };
    case "sticker":
      return { sticker: bytes, mimetype };
  }
}

function caption({ caption }: { caption?: string | undefined }): { caption?: string } {
  return caption ? { caption } : {};
}
