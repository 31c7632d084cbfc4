/** The content of a message, as events have it. */

import { z } from "zod";
import * as business from "./content/business.ts";
import * as contacts from "./content/contacts.ts";
import * as location from "./content/location.ts";
import * as media from "./content/media.ts";
import * as notices from "./content/notices.ts";
import * as payments from "./content/payments.ts";
import * as poll from "./content/poll.ts";
import type { ReceivedKind } from "./content/received-kind.ts";
import { text } from "./content/text.ts";

/** Every kind of content that a message can have when it comes. */
export const receivedKinds = [
  text,
  media.image,
  media.video,
  media.gif,
  media.videoNote,
  media.audio,
  media.voice,
  media.document,
  media.sticker,
  media.stickerPack,
  media.album,
  location.location,
  location.liveLocation,
  contacts.contacts,
  contacts.requestPhoneNumber,
  contacts.sharePhoneNumber,
  poll.poll,
  poll.pollResult,
  poll.event,
  business.buttons,
  business.template,
  business.interactive,
  business.list,
  business.buttonReply,
  business.listReply,
  business.order,
  business.product,
  notices.groupInvite,
  notices.callLog,
  notices.groupNotice,
  notices.scheduledCall,
  notices.newsletterInvite,
  payments.payment,
  payments.paymentRequest,
  payments.paymentRequestEnd,
  notices.unavailable,
  notices.unsupported,
] as const;

type SchemasOf<K extends readonly ReceivedKind[]> = { [Index in keyof K]: K[Index]["schema"] };

/** The content of a received message, tagged by `type`. */
export const receivedContentSchema = z.discriminatedUnion(
  "type",
  receivedKinds.map(({ schema }) => schema) as unknown as SchemasOf<typeof receivedKinds>,
);

export type ReceivedContent = z.output<typeof receivedContentSchema>;
