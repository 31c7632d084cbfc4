import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

/** `mimetype` and `sizeBytes` are as the sender says; null when they do not. */
const file = {
  mimetype: z.string().nullable(),
  sizeBytes: z.number().int().nullable(),
  /** The recipient may look at it once. */
  viewOnce: z.literal(true).optional(),
};
const caption = z.string().optional();
const seconds = z.number().int().optional();
const pixels = { width: z.number().int().optional(), height: z.number().int().optional() };
const moving = { ...file, ...pixels, seconds };

const jpeg = { mimetype: "image/jpeg", sizeBytes: 48_211, width: 1_280, height: 960 };
const mp4 = { mimetype: "video/mp4", sizeBytes: 912_004, width: 848, height: 480, seconds: 12 };
const ogg = { mimetype: "audio/ogg; codecs=opus", sizeBytes: 9_120, seconds: 4 };

export const image = receivedKind(z.object({ type: z.literal("image"), ...file, ...pixels, caption }), {
  type: "image",
  ...jpeg,
  caption: "The new shop",
});

export const video = receivedKind(z.object({ type: z.literal("video"), ...moving, caption }), {
  type: "video",
  ...mp4,
  caption: "Opening day",
});

/** A short video without sound that plays by itself. */
export const gif = receivedKind(z.object({ type: z.literal("gif"), ...moving, caption }), {
  type: "gif",
  ...mp4,
  seconds: 3,
});

/** A round video. */
export const videoNote = receivedKind(z.object({ type: z.literal("video_note"), ...moving }), {
  type: "video_note",
  ...mp4,
});

export const audio = receivedKind(z.object({ type: z.literal("audio"), ...file, seconds }), {
  type: "audio",
  ...ogg,
  mimetype: "audio/mpeg",
});

/** Recorded in the chat. */
export const voice = receivedKind(z.object({ type: z.literal("voice"), ...file, seconds }), {
  type: "voice",
  ...ogg,
});

export const document = receivedKind(
  z.object({
    type: z.literal("document"),
    ...file,
    pages: z.number().int().optional(),
    caption,
    fileName: z.string().optional(),
  }),
  { type: "document", mimetype: "application/pdf", sizeBytes: 20_480, pages: 2, fileName: "invoice.pdf" },
);

export const sticker = receivedKind(
  z.object({ type: z.literal("sticker"), ...file, ...pixels, isAnimated: z.literal(true).optional() }),
  { type: "sticker", mimetype: "image/webp", sizeBytes: 14_330, width: 512, height: 512 },
);

/** A pack of so many stickers, which is offered to the recipient. */
export const stickerPack = receivedKind(
  z.object({
    type: z.literal("sticker_pack"),
    name: z.string(),
    publisher: z.string().optional(),
    stickers: z.number().int(),
    caption,
  }),
  { type: "sticker_pack", name: "Cats", publisher: "Ada", stickers: 12 },
);

/** Says that so many images and videos follow; the event of each names this message in `album`. */
export const album = receivedKind(
  z.object({ type: z.literal("album"), images: z.number().int(), videos: z.number().int() }),
  { type: "album", images: 3, videos: 1 },
);
