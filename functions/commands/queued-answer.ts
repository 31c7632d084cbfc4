import { z } from "@hono/zod-openapi";

/** A call on a channel that is written but not carried out; `Location` names the command. */
export const queuedAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.string(),
  payload: z.object({ channelId: z.string(), status: z.literal("queued"), commandId: z.string() }),
});

/** The body of the 202; `message` is for people. */
export function queuedAnswer(
  message: string,
  channelId: string,
  commandId: string,
): z.output<typeof queuedAnswerSchema> {
  return { ok: true, message, payload: { channelId, status: "queued", commandId } };
}
