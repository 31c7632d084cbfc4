/** Converts messages between WhatsApp's form and ours, and keeps the row and the status of each. */

import { normaliseJid } from "#shared/jid.ts";
import type { MessageEventData } from "#shared/message-events.ts";
import { deviceOf } from "../../baileys/arrivals.ts";
import type { WAMessage } from "../../baileys/baileys.ts";
import { isTooLarge } from "../../baileys/too-large.ts";
import { type Addressing, addressingOf } from "./addressing.ts";
import { type Change, changeIn, isTurned } from "./change.ts";
import { contextOf } from "./context.ts";
import { cut, filled, timeOf } from "./fields.ts";
import { kindOf } from "./kinds.ts";
import { type Unwrapped, unwrap } from "./unwrap.ts";

type SeenType = keyof MessageEventData;

/** An event of a message, and what identifies the message that caused it: chat, sender and id together. */
export type SeenMessage = {
  [Type in SeenType]: {
    /** A JID, as `data` has it. */
    chat: string;
    sender: string;
    messageId: string;
    type: Type;
    data: MessageEventData[Type];
  };
}[SeenType];

/**
 * The event that callers get for a message that WhatsApp delivered, received or sent from another device of the account; null for
 * anything else: a placeholder for a message that could not be decrypted yet, a notification, WhatsApp's own bookkeeping, and
 * newsletters. `self` is the channel's own JID. LIDs are as they came: see `withKnownNumbers`.
 */
export function fromWhatsApp(received: WAMessage, self: string): SeenMessage | null {
  const { key, message } = received;
  const addressing = addressingOf(key, self);
  if (!addressing || !key.id || !message) return null;
  const { chat, sender, isMine, known } = addressing;
  const heading = {
    ...{ from: chat, sender, ...known },
    ...filled({ pushName: isMine ? undefined : cut.name(received.pushName ?? "") }),
    // A message without a valid time counts all the same.
    sentAt: timeOf(received.messageTimestamp ?? 0) ?? epoch,
  };
  const seen = { chat, sender, messageId: cut.id(key.id) };
  const unwrapped = unwrap(message);
  const found = changeIn(unwrapped);
  if (found) {
    const isOurSide = isMine || isTurned(message, unwrapped.body, found);
    return changed(seen, heading, found.change, { ...addressing, self, isOurSide });
  }
  const content = isTooLarge({ message }) ? tooLarge : contentOf(unwrapped);
  if (!content) return null;
  const data = { messageId: seen.messageId, ...heading, ...content };
  return isMine
    ? {
        ...seen,
        type: "outgoing_message",
        data: { ...data, to: chat, type: "outgoing", origin: originOf(received) },
      }
    : { ...seen, type: "incoming_message", data: { ...data, type: "incoming" } };
}

/** Baileys' messages of our own come from the phone unless another device is named. */
function originOf(received: WAMessage): "phone" | "other_device" {
  return (deviceOf(received) ?? 0) === 0 ? "phone" : "other_device";
}

const unavailable = { type: "unavailable", reason: "too_large" } as const;
const tooLarge = { message: "", content: unavailable };
const epoch = new Date(0).toISOString();

/** The same event, without the content that made it too large for the log. */
export function withoutContent(seen: SeenMessage): SeenMessage {
  const { replyTo: _, mentions: __, referral: ___, ...data } = { ...seen.data } as Record<string, unknown>;
  return { ...seen, data: { ...data, ...("content" in data && tooLarge) } } as SeenMessage;
}

function contentOf({ body, isViewOnce }: Unwrapped) {
  const kind = kindOf(body);
  if (!kind) return null;
  const { content, text } = kind.convert();
  const once = isViewOnce && "mimetype" in content ? { viewOnce: true as const } : {};
  return { message: text, content: { ...content, ...once }, ...contextOf(body, kind.field) };
}

type Heading = Pick<MessageEventData["message_deleted"], "from" | "sender" | "sentAt">;

interface ChangePlace extends Addressing {
  self: string;
  /** The key of the change is written from our side. */
  isOurSide: boolean;
}

/** Null for a change of a message that is not the sender's to change. */
function changed(
  seen: Pick<SeenMessage, "chat" | "sender" | "messageId">,
  heading: Heading,
  { key, ...change }: Change,
  place: ChangePlace,
): SeenMessage | null {
  const author = authorOf(key, place);
  const isOwn = author === heading.sender;
  // A group's administrators delete what others wrote.
  const isAllowed = change.type === "message_deleted" ? isOwn || place.isShared : isOwn;
  const mustBeAllowed = change.type === "message_edited" || change.type === "message_deleted";
  if (!key.id || !author || (mustBeAllowed && !isAllowed)) return null;
  const data = { messageId: cut.id(key.id), ...heading, author };
  if (change.type !== "message_edited") {
    const { type, ...fields } = change;
    return { ...seen, type, data: { ...data, ...fields } } as SeenMessage;
  }
  const { content, text } = change;
  return { ...seen, type: change.type, data: { ...data, message: text, content } };
}

/** Who wrote the message that a key names: a key is as the sender sees it, unless it is from our side. */
function authorOf(key: Change["key"], { chat, sender, self, isOurSide, isShared }: ChangePlace) {
  if (key.fromMe) return isOurSide ? self : sender;
  if (isShared) return normaliseJid(key.participant);
  return isOurSide ? chat : self;
}
