import { z } from "@hono/zod-openapi";
import { recipientSchema } from "#shared/commands.ts";
import {
  type Content,
  captionSchema,
  contentSchema,
  fileNameSchema,
  type MediaContent,
  mediaKinds,
  mediaUrlSchema,
} from "#shared/content.ts";
import { mediaAddressProblem } from "#shared/media-address.ts";

const bodySchema = z.strictObject({
  to: recipientSchema,
  mediaType: z.enum(mediaKinds),
  mediaUrl: mediaUrlSchema,
  caption: captionSchema.optional(),
  fileName: fileNameSchema.optional(),
});

/**
 * The body of `send-media`, transformed to a recipient and a content. Refuses a URL that its text alone rules out; the
 * connector checks the resolved address when it fetches. Refuses captions and file names for media that have none.
 */
export function sendMediaSchema(allowHosts: readonly string[]) {
  return bodySchema.transform(({ to, mediaType, mediaUrl, ...texts }, context) => {
    const problem = mediaAddressProblem(mediaUrl, allowHosts);
    if (problem) context.addIssue({ code: "custom", path: ["mediaUrl"], message: problem });
    const content = contentSchema.safeParse({ type: mediaType, media: { url: mediaUrl }, ...texts });
    if (content.success && isMedia(content.data)) return { to, content: content.data };
    for (const issue of content.error?.issues ?? [])
      for (const field of issue.code === "unrecognized_keys" ? issue.keys : [String(issue.path[0])])
        context.addIssue({
          code: "custom",
          path: [field],
          message: `is not allowed with mediaType ${mediaType}`,
        });
    return z.NEVER;
  });
}

function isMedia(content: Content): content is MediaContent {
  return content.type !== "text";
}
