import { z } from "@hono/zod-openapi";
import type { CommandPayload } from "#shared/commands.ts";
import { commandAnswer } from "./command-answer.ts";
import type { AcceptedCommand } from "./submit-command.ts";

const sentPayload = z.object({ messageId: z.string(), to: z.string(), type: z.string() });

/** WhatsApp took the message. */
export const sentAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.literal("Message sent"),
  payload: sentPayload.extend({ status: z.literal("sent") }),
});

/** The message is accepted, and what became of it is not known yet. */
export const pendingAnswerSchema = z.object({
  ok: z.literal(true),
  message: z.string(),
  payload: sentPayload.extend({ status: z.enum(["queued", "unknown"]), commandId: z.string() }),
});

/** What a send may be answered with when nothing failed. */
export type SendAnswer = z.output<typeof sentAnswerSchema> | z.output<typeof pendingAnswerSchema>;

/** Whether WhatsApp took it, so that the answer is 200 and not 202. */
export function isSent(answer: SendAnswer): answer is z.output<typeof sentAnswerSchema> {
  return answer.payload.status === "sent";
}

/** What an accepted send is answered with. Throws the command's own error when it failed. */
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
