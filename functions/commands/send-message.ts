import type { Content } from "#shared/content.ts";
import { ServiceError } from "#shared/errors.ts";
import type { Jid } from "#shared/jid.ts";
import type { Dependencies } from "../dependencies.ts";
import { type SendAnswer, sendAnswer } from "./send-answer.ts";
import { type CommandRequestContext, submitCommand } from "./submit-command.ts";

/**
 * Submits a message on the request's channel. Throws `channel_logged_out` when no phone is linked to the channel, and the
 * command's own error when it failed.
 */
export async function sendMessage(
  deps: Dependencies,
  c: CommandRequestContext,
  to: Jid,
  content: Content,
): Promise<SendAnswer> {
  const accepted = await submitCommand(deps, c, {
    type: "message.send",
    payload: { to, content },
    check() {
      if (c.var.found.channel.status === "logged_out") throw new ServiceError("channel_logged_out");
    },
  });
  return sendAnswer(accepted, { to, content });
}
