import { createHash } from "node:crypto";
import { proto } from "../../baileys/baileys.ts";
import * as choices from "./choices.ts";
import * as commerce from "./commerce.ts";
import * as contacts from "./contacts.ts";
import type { Body, Convert, Converted, Field } from "./kind.ts";
import * as location from "./location.ts";
import * as media from "./media.ts";
import * as notices from "./notices.ts";
import * as payments from "./payments.ts";
import * as poll from "./poll.ts";
import * as text from "./text.ts";
import { unwrap } from "./unwrap.ts";

const { SHARE_PHONE_NUMBER } = proto.Message.ProtocolMessage.Type;

type Kinds = { [F in Field]?: Convert<F> };

/** The kinds of content, by the field of WhatsApp's message that has them. */
const kinds = {
  conversation: text.conversation,
  extendedTextMessage: text.extendedText,
  imageMessage: media.image,
  videoMessage: media.video,
  ptvMessage: media.videoNote,
  audioMessage: media.audio,
  documentMessage: media.document,
  stickerMessage: media.sticker,
  stickerPackMessage: media.stickerPack,
  albumMessage: media.album,
  locationMessage: location.location,
  liveLocationMessage: location.liveLocation,
  contactMessage: contacts.contact,
  contactsArrayMessage: contacts.contacts,
  requestPhoneNumberMessage: contacts.requestPhoneNumber,
  pollCreationMessage: poll.poll,
  pollCreationMessageV2: poll.poll,
  pollCreationMessageV3: poll.poll,
  pollCreationMessageV5: poll.poll,
  pollResultSnapshotMessage: poll.pollResult,
  pollResultSnapshotMessageV3: poll.pollResult,
  eventMessage: poll.event,
  buttonsMessage: choices.buttons,
  templateMessage: choices.template,
  highlyStructuredMessage: choices.structured,
  interactiveMessage: choices.interactive,
  listMessage: choices.list,
  buttonsResponseMessage: choices.buttonsResponse,
  templateButtonReplyMessage: choices.templateButtonReply,
  interactiveResponseMessage: choices.interactiveResponse,
  listResponseMessage: choices.listResponse,
  orderMessage: commerce.order,
  productMessage: commerce.product,
  groupInviteMessage: notices.groupInvite,
  callLogMesssage: notices.callLog,
  scheduledCallCreationMessage: notices.scheduledCall,
  newsletterAdminInviteMessage: notices.newsletterInvite("admin"),
  newsletterFollowerInviteMessageV2: notices.newsletterInvite("follower"),
  placeholderMessage: notices.placeholder,
  encCommentMessage: notices.sealedComment,
  commentMessage: ({ message }) =>
    kindOf(unwrap(message ?? {}).body)?.convert() ?? unsupported("commentMessage"),
  sendPaymentMessage: payments.payment,
  requestPaymentMessage: payments.paymentRequest,
  declinePaymentRequestMessage: payments.paymentRequestEnd("declined"),
  cancelPaymentRequestMessage: payments.paymentRequestEnd("cancelled"),
} satisfies Kinds;

/** Names the set of kinds: what a version with another set could not tell is read again. */
export const kindsName = createHash("sha256")
  .update(Object.keys(kinds).sort().join())
  .digest("hex")
  .slice(0, 16);

/** Fields that say nothing to a caller on their own. */
const bookkeeping: ReadonlySet<string> = new Set([
  "messageContextInfo",
  "senderKeyDistributionMessage",
  "fastRatchetKeySenderKeyDistributionMessage",
  "protocolMessage",
]);

/** A field of a message that is there, and what the message is by it; null for bookkeeping alone. */
export function kindOf(body: Body): { field: string; convert(): Converted } | null {
  if (body.protocolMessage?.type === SHARE_PHONE_NUMBER)
    return { field: "protocolMessage", convert: contacts.sharePhoneNumber };
  const fields = Object.entries(body).filter(([name, value]) => value && !bookkeeping.has(name));
  // A text may be empty.
  if (typeof body.conversation === "string") fields.push(["conversation", body.conversation]);
  const [field, value] = fields.find(([name]) => Object.hasOwn(kinds, name)) ?? fields[0] ?? [];
  if (field === undefined) return null;
  const convert = (kinds as Record<string, Convert<never> | undefined>)[field];
  return { field, convert: () => convert?.(value as never) ?? unsupported(field) };
}

function unsupported(kind: string): Converted {
  return { content: { type: "unsupported", kind }, text: "" };
}
