import { normalizeMessageContent, proto } from "../../baileys/baileys.ts";
import { type Mentions, mentionsIn } from "./context.ts";
import { cut, filled, whole } from "./fields.ts";
import type { Body, Converted, Field } from "./kind.ts";
import { kindOf } from "./kinds.ts";
import { type Unwrapped, unwrap } from "./unwrap.ts";

type Key = proto.IMessageKey;

/** What a change says is encrypted with a secret of the message that it changes. */
const sealed = { unavailable: "undecryptable" } as const;

/** A change of an earlier message, which `key` names as its author's app does. */
export type Change = { key: Key } & (
  | ({ type: "message_edited"; mentions?: Mentions } & Converted)
  | { type: "message_deleted" }
  | { type: "reaction"; emoji: string | null }
  | ({ type: "reaction" | "poll_vote" | "event_response" } & typeof sealed)
  | { type: "message_pinned"; isPinned: boolean; forSeconds?: number }
  | { type: "message_kept"; isKept: boolean }
);

type Changes = {
  [F in Field]?: (value: NonNullable<Body[F]>, beside: Unwrapped["beside"]) => Change | null;
};

const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
const { SecretEncType } = proto.Message.SecretEncryptedMessage;
const { PIN_FOR_ALL } = proto.Message.PinInChatMessage.Type;
const { KEEP_FOR_ALL } = proto.KeepType;

/** The changes, by the field of WhatsApp's message that makes them. */
const changes = {
  protocolMessage({ key, type, editedMessage }) {
    if (!key) return null;
    if (type === REVOKE) return { type: "message_deleted", key };
    return type === MESSAGE_EDIT && editedMessage ? edit(key, editedMessage) : null;
  },
  secretEncryptedMessage({ targetMessageKey: key, secretEncType }) {
    const isEdit = secretEncType === SecretEncType.MESSAGE_EDIT || secretEncType === SecretEncType.EVENT_EDIT;
    return key && isEdit ? { type: "message_edited", key, ...unreadable } : null;
  },
  reactionMessage: ({ key, text }) =>
    key ? { type: "reaction", key, emoji: cut.emoji(text ?? "") || null } : null,
  encReactionMessage: ({ targetMessageKey: key }) => (key ? { type: "reaction", key, ...sealed } : null),
  pollUpdateMessage: ({ pollCreationMessageKey: key }) =>
    key ? { type: "poll_vote", key, ...sealed } : null,
  encEventResponseMessage: ({ eventCreationMessageKey: key }) =>
    key ? { type: "event_response", key, ...sealed } : null,
  pinInChatMessage({ key, type }, { messageAddOnDurationInSecs }) {
    const forSeconds = whole(messageAddOnDurationInSecs) || undefined;
    const isPinned = type === PIN_FOR_ALL;
    return key ? { type: "message_pinned", key, isPinned, ...filled({ forSeconds }) } : null;
  },
  keepInChatMessage: ({ key, keepType }) =>
    key ? { type: "message_kept", key, isKept: keepType === KEEP_FOR_ALL } : null,
} satisfies Changes;

const unreadable: Converted = { content: { type: "unavailable", reason: "undecryptable" }, text: "" };

/** A change, and the field of the message that makes it. */
export interface FoundChange {
  field: keyof typeof changes;
  change: Change;
}

/** The change that a message makes; null when it is a message of its own. */
export function changeIn({ body, beside }: Pick<Unwrapped, "body" | "beside">): FoundChange | null {
  for (const field of Object.keys(changes) as (keyof typeof changes)[]) {
    const value = body[field];
    const change = value ? (changes as Changes)[field]?.(value as never, beside) : null;
    if (change) return { field, change };
  }
  return null;
}

/** Whether Baileys has turned the key to our side: it does so for reactions and votes, in the wrappers that it follows. */
export function isTurned(message: Body, body: Body, { field }: FoundChange): boolean {
  const isOfKind = field === "reactionMessage" || field === "pollUpdateMessage";
  return isOfKind && normalizeMessageContent(message)?.[field] === body[field];
}

function edit(key: Key, edited: Body): Change | null {
  const { body } = unwrap(edited);
  const kind = kindOf(body);
  if (!kind) return null;
  return {
    type: "message_edited",
    key,
    ...kind.convert(),
    ...filled({ mentions: mentionsIn(body, kind.field) }),
  };
}
