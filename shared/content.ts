import { z } from "zod";
import { wellFormed } from "./well-formed.ts";

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
/** Whoever receives it may save under it. */
export const fileNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .refine(...wellFormed)
  .refine((name) => !/[/\\\p{Cc}]/u.test(name), "must not contain slashes or control characters");

/**
 * Shape only. Whether the address may be fetched (`mediaAddressProblem`, DNS, redirects, size) depends on settings and
 * on the network, so it is decided at accept and again where it is fetched.
 */
export const mediaUrlSchema = z
  .string()
  .min(1)
  .max(2_048)
  .refine(...wellFormed);

const caption = captionSchema.optional();
const fileName = fileNameSchema.optional();
const media = z.strictObject({ url: mediaUrlSchema });

/** What a message carries, tagged by `type`. */
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
