import type { proto } from "@whiskeysockets/baileys";

/** The `type` of a message stanza. */
export function messageType(message: proto.IMessage): string {
  if (message.reactionMessage) return "reaction";
  const isText = message.conversation || message.extendedTextMessage || message.protocolMessage;
  return isText ? "text" : "media";
}
