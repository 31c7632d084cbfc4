/** The content of a message, as callers send it. */

import { z } from "zod";
import { wellFormed } from "./well-formed-text.ts";

export const mediaKinds = ["image", "video", "audio", "voice", "document", "sticker"] as const;

export type MediaKind = (typeof mediaKinds)[number];

const textCharactersMax = 4_096;
const captionCharactersMax = 1_024;

export const textSchema = z
  .string()
  .min(1)
  .max(textCharactersMax)
  .refine(...wellFormed);
export const captionSchema = z
  .string()
  .max(captionCharactersMax)
  .refine(...wellFormed);
/** The recipient may save the file under this name. */
export const fileNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .refine(...wellFormed)
  .refine((name) => !/[/\\\p{Cc}]/u.test(name), "must not contain slashes or control characters");

/**
 * Checks the shape only. Whether the URL may be fetched (`mediaAddressProblem`, DNS, redirects, size) depends on settings
 * and on the network, so it is decided when the command is accepted and again when the media is fetched.
 */
export const mediaUrlSchema = z
  .string()
  .min(1)
  .max(2_048)
  .refine(...wellFormed);

const caption = captionSchema.optional();
const fileName = fileNameSchema.optional();
const media = z.strictObject({ url: mediaUrlSchema });

/** The content of a message, tagged by `type`. */
export const contentSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: textSchema }),
  z.strictObject({ type: z.literal("image"), media, caption }),
  z.strictObject({ type: z.literal("video"), media, caption }),
  z.strictObject({ type: z.literal("audio"), media }),
  z.strictObject({ type: z.literal("voice"), media }),
  z.strictObject({ type: z.literal("document"), media, caption, fileName }),
  z.strictObject({ type: z.literal("sticker"), media }),
]);

export type Content = z.output<typeof contentSchema>;
export type MediaContent = Exclude<Content, { type: "text" }>;
