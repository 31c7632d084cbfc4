import { createHash } from "node:crypto";
import type { SeenMessage } from "./from-whatsapp/from-whatsapp.ts";

/**
 * The id of the event that publishes a message. It is derived from what identifies the message, so that the log drops a
 * message that WhatsApp delivers again.
 */
export function deduplicationId(
  channelId: string,
  { chat, sender, messageId }: Pick<SeenMessage, "chat" | "sender" | "messageId">,
): string {
  return createHash("sha256")
    .update(JSON.stringify([channelId, chat, sender, messageId]))
    .digest("hex")
    .slice(0, 32);
}
