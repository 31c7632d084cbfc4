import { z } from "@hono/zod-openapi";
import type { CommandPayload } from "#shared/commands.ts";
import { commandAnswer } from "./command-answer.ts";
import type { AcceptedCommand } from "./submit-command.ts";

const sentPayload = z.object({ messageId: z.string(), to: z.string(), type: z.string() });

/** The body of a 200: WhatsApp accepted the message. */
export const sentAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.literal("Message sent"),
  payload: sentPayload.extend({ status: z.literal("sent") }),
});

/** The body of a 202: the message is stored, and its outcome is not known yet. */
export const pendingAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.string(),
  payload: sentPayload.extend({ status: z.enum(["queued", "unknown"]), commandId: z.string() }),
});

/** The body of a send that did not fail. */
export type SendAnswer = z.output<typeof sentAnswerSchema> | z.output<typeof pendingAnswerSchema>;

/** Whether WhatsApp accepted the message, so that the status is 200 and not 202. */
export function isSent(answer: SendAnswer): answer is z.output<typeof sentAnswerSchema> {
  return answer.payload.status === "sent";
}

/** Creates the body that answers a stored send. Throws the command's own error when it failed. */
export function sendAnswer(
  { messageId = "", ...accepted }: AcceptedCommand,
  { to, content }: CommandPayload<"message.send">,
): SendAnswer {
  const { state } = commandAnswer({ messageId, ...accepted });
  const payload = { messageId, to, type: content.type };
  if (state === "succeeded")
    return { ok: true, message: "Message sent", payload: { ...payload, status: "sent" } };
  const message = state === "queued" ? "Message queued" : "Message sent, but WhatsApp has not answered";
  return { ok: true, message, payload: { ...payload, status: state, commandId: accepted.commandId } };
}
