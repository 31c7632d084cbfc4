import { normaliseJid } from "#shared/jid.ts";
import type { MessageEventData } from "#shared/message-events.ts";
import { deviceOf, isAdminDeletion, unknownFieldOf } from "../../baileys/arrivals.ts";
import type { WAMessage } from "../../baileys/baileys.ts";
import { isTooLarge } from "../../baileys/too-large.ts";
import { type Addressing, addressingOf, type OwnAccount } from "./addressing.ts";
import { associationOf } from "./association.ts";
import { type Change, changeIn, isTurned } from "./change.ts";
import { contextOf } from "./context.ts";
import { cut, epoch, filled, timeOf } from "./fields.ts";
import { groupNotice } from "./group-notice.ts";
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
 * anything else: see `dropReason`. LIDs are as they came: see `withKnownNumbers`.
 */
export function fromWhatsApp(received: WAMessage, account: OwnAccount): SeenMessage | null {
  const { message } = received;
  const envelope = envelopeOf(received, account);
  if (!envelope) return null;
  if (!message) {
    const content = placeholderContent(received);
    return content && messageEvent(envelope, content);
  }
  const unwrapped = unwrap(message);
  const found = changeIn(unwrapped);
  if (found) {
    const isOurSide = envelope.isMine || isTurned(message, unwrapped.body, found);
    const author = found.change.key.id
      ? authorOf(found.change.key, { ...envelope, self: account.jid, isOurSide })
      : null;
    if (author)
      return isAllowed(found.change, author, envelope) ? changed(envelope, found.change, author) : null;
  }
  const content = isTooLarge({ message })
    ? tooLarge
    : (contentOf(unwrapped, envelope.chat, found?.field) ?? unknownContent(received));
  return content && messageEvent(envelope, content);
}

/** The event for a message whose conversion fails; null when it has no chat or no content. */
export function unconverted(received: WAMessage, account: OwnAccount): SeenMessage | null {
  const envelope = envelopeOf(received, account);
  // The values may be what failed.
  const kind = Object.keys(received.message ?? {}).find((field) => field !== "messageContextInfo");
  return envelope && kind !== undefined ? messageEvent(envelope, unsupported(kind)) : null;
}

/** Who wrote a message, where and when. */
interface Envelope extends Addressing {
  messageId: string;
  /** The kind of device of ours that sent it, if one of ours did. */
  origin: "phone" | "other_device";
  /** A group's administrator deletes what another wrote. */
  isByAdmin: boolean;
  heading: Pick<MessageEventData["message_deleted"], "from" | "sender" | "sentAt">;
}

/** Null for a message without an id, or in a chat that callers do not see. */
function envelopeOf(received: WAMessage, account: OwnAccount): Envelope | null {
  const { key, pushName, messageTimestamp } = received;
  const addressing = addressingOf(key, account);
  if (!addressing || !key.id) return null;
  const { chat, sender, isMine, known } = addressing;
  const heading = {
    from: chat,
    sender,
    ...known,
    ...filled({ pushName: isMine ? undefined : cut.name(pushName ?? "") }),
    // A message without a valid time counts all the same.
    sentAt: timeOf(messageTimestamp ?? 0) ?? epoch,
  };
  return {
    ...addressing,
    messageId: cut.id(key.id),
    origin: originOf(received),
    isByAdmin: isAdminDeletion(received),
    heading,
  };
}

type Content = Pick<MessageEventData["incoming_message"], "message" | "content">;

function messageEvent(
  { chat, sender, messageId, isMine, origin, heading }: Envelope,
  content: Content,
): SeenMessage {
  const data = { messageId, ...heading, ...content };
  return isMine
    ? {
        ...{ chat, sender, messageId, type: "outgoing_message" },
        data: { ...data, to: chat, type: "outgoing", origin },
      }
    : { chat, sender, messageId, type: "incoming_message", data: { ...data, type: "incoming" } };
}

/** Baileys' messages of our own come from the phone unless another device is named. */
function originOf(received: WAMessage): "phone" | "other_device" {
  return (deviceOf(received) ?? 0) === 0 ? "phone" : "other_device";
}

const tooLarge = { message: "", content: { type: "unavailable", reason: "too_large" } } as const;
const viewOnce = { message: "", content: { type: "unavailable", reason: "view_once" } } as const;

/** The same event, without the content that made it too large for the log. */
export function withoutContent(seen: SeenMessage): SeenMessage {
  const { replyTo: _, mentions: __, referral: ___, ...data } = { ...seen.data } as Record<string, unknown>;
  return { ...seen, data: { ...data, ...("content" in data && tooLarge) } } as SeenMessage;
}

/** The content of what Baileys hands over without a message: a notice, or a message to view once, which stays on the phone. */
function placeholderContent(received: WAMessage): Content | null {
  if (received.key.isViewOnce) return viewOnce;
  const notice = groupNotice(received);
  return notice && { message: notice.text, content: notice.content };
}

/** The content of a message, and what stands beside it. A change that names no message is a message of the kind of its field. */
function contentOf({ body, isViewOnce, wrapper, beside }: Unwrapped, chat: string, change?: string) {
  if (change !== undefined) return unsupported(change);
  const kind = kindOf(body);
  // Some wrappers are the message themselves: a mention in a status holds nothing else.
  if (!kind) return wrapper === null ? null : unsupported(wrapper);
  const { content, text } = kind.convert();
  const once = isViewOnce && "mimetype" in content ? { viewOnce: true as const } : {};
  return {
    message: text,
    content: { ...content, ...once },
    ...contextOf(body, kind.field, chat),
    ...associationOf(beside),
  };
}

function unsupported(kind: string): Content {
  return { message: "", content: { type: "unsupported", kind } };
}

/** A kind that WhatsApp has added since: its field has no name yet. */
function unknownContent(received: WAMessage): Content | null {
  // What the account's own devices tell each other may grow, too.
  if (received.message?.protocolMessage) return null;
  const field = unknownFieldOf(received);
  return field === undefined ? null : unsupported(`field ${field}`);
}

/** Only its author edits a message; a group's administrators delete what others wrote, too. */
function isAllowed({ type }: Change, author: string, { chat, sender, isByAdmin }: Envelope): boolean {
  if (type !== "message_edited" && type !== "message_deleted") return true;
  return author === sender || (type === "message_deleted" && isByAdmin && chat.endsWith("@g.us"));
}

function changed(
  { chat, sender, messageId, heading }: Envelope,
  { key, ...change }: Change,
  author: string,
): SeenMessage {
  const seen = { chat, sender, messageId };
  const data = { messageId: cut.id(key.id ?? ""), ...heading, author };
  if (change.type !== "message_edited") {
    const { type, ...fields } = change;
    return { ...seen, type, data: { ...data, ...fields } } as SeenMessage;
  }
  const { type, content, text, mentions } = change;
  return { ...seen, type, data: { ...data, message: text, content, ...filled({ mentions }) } };
}

interface KeySide extends Envelope {
  self: string;
  /** The key is written from our side. */
  isOurSide: boolean;
}

/** Who wrote the message that a key names: a key is as the sender sees it, unless it is from our side. */
function authorOf(key: Change["key"], { chat, sender, self, isOurSide, isShared }: KeySide): string | null {
  if (key.fromMe) return isOurSide ? self : sender;
  if (isShared) return normaliseJid(key.participant);
  return isOurSide ? chat : self;
}
