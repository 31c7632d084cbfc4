import { proto } from "../../baileys/baileys.ts";
import { cut, filled, whole } from "./fields.ts";
import type { Body, Converted } from "./kind.ts";
import { kindOf } from "./kinds.ts";
import { unwrap } from "./unwrap.ts";

type Key = proto.IMessageKey;

/** A change of an earlier message, which `key` names as its author's app does. */
export type Change = { key: Key } & (
  | ({ type: "message_edited" } & Converted)
  | { type: "message_deleted" }
  | { type: "reaction"; emoji: string | null }
  | { type: "message_pinned"; isPinned: boolean; forSeconds?: number }
  | { type: "message_kept"; isKept: boolean }
);

const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
const { PIN_FOR_ALL } = proto.Message.PinInChatMessage.Type;
const { KEEP_FOR_ALL } = proto.KeepType;

/** The change that a message makes; null when it is a message of its own. */
export function changeIn(body: Body): Change | null {
  const { protocolMessage, reactionMessage, pinInChatMessage, keepInChatMessage } = body;
  if (protocolMessage?.key && protocolMessage.type === REVOKE)
    return { type: "message_deleted", key: protocolMessage.key };
  if (protocolMessage?.key && protocolMessage.type === MESSAGE_EDIT && protocolMessage.editedMessage)
    return edit(protocolMessage.key, protocolMessage.editedMessage);
  if (reactionMessage?.key)
    return {
      type: "reaction",
      key: reactionMessage.key,
      emoji: cut.emoji(reactionMessage.text ?? "") || null,
    };
  if (pinInChatMessage?.key) {
    const forSeconds = whole(body.messageContextInfo?.messageAddOnDurationInSecs) || undefined;
    const isPinned = pinInChatMessage.type === PIN_FOR_ALL;
    return { type: "message_pinned", key: pinInChatMessage.key, isPinned, ...filled({ forSeconds }) };
  }
  if (keepInChatMessage?.key)
    return {
      type: "message_kept",
      key: keepInChatMessage.key,
      isKept: keepInChatMessage.keepType === KEEP_FOR_ALL,
    };
  return null;
}

function edit(key: Key, edited: Body): Change | null {
  const kind = kindOf(unwrap(edited).body);
  return kind && { type: "message_edited", key, ...kind.convert() };
}
