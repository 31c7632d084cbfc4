import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

export const text = receivedKind(
  z.object({
    type: z.literal("text"),
    text: z.string(),
    /** The preview of a link, as the sender's app made it. */
    linkPreview: z
      .object({ url: z.string(), title: z.string().optional(), description: z.string().optional() })
      .optional(),
  }),
  { type: "text", text: "Hello" },
);
