import { z } from "@hono/zod-openapi";

/** The body of a 202: the command is stored but not executed yet, and `Location` is its URL. */
export const queuedAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.string(),
  payload: z.object({ channelId: z.string(), status: z.literal("queued"), commandId: z.string() }),
});

/** Creates the body of a 202; `message` is for people. */
export function queuedAnswer(
  message: string,
  channelId: string,
  commandId: string,
): z.output<typeof queuedAnswerSchema> {
  return { ok: true, message, payload: { channelId, status: "queued", commandId } };
}
