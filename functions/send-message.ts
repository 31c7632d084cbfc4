import type { Context } from "hono";
import type { Jid } from "../shared/address.ts";
import type { Content } from "../shared/content.ts";
import { ServiceError } from "../shared/errors.ts";
import { newMessageId } from "../shared/ids.ts";
import { answered } from "./answered.ts";
import type { Dependencies } from "./dependencies.ts";
import type { ChannelEnv } from "./middleware/find-channel.ts";
import { carryOut } from "./mutation.ts";
import type { SendAnswer } from "./sent-answer.ts";

/**
 * Has a message sent on the request's channel. Throws `channel_logged_out` when the channel is seen to have no phone,
 * and the command's own error when it failed.
 */
export async function sendMessage(
  deps: Dependencies,
  c: Context<ChannelEnv>,
  to: Jid,
  content: Content,
): Promise<SendAnswer> {
  if (c.var.found.channel.status === "logged_out") throw new ServiceError("channel_logged_out");
  const messageId = newMessageId();
  const accepted = await carryOut(deps, c, { type: "message.send", payload: { to, content }, messageId });
  const { state } = answered(accepted);
  const payload = { messageId, to, type: content.type };
  if (state === "succeeded")
    return { ok: true, message: "Message sent", payload: { ...payload, status: "sent" } };
  const message = state === "queued" ? "Message queued" : "Message sent, but WhatsApp has not answered";
  return { ok: true, message, payload: { ...payload, status: state, commandId: accepted.commandId } };
}
