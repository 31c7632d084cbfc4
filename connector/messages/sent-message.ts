import type { CommandDocument } from "#shared/collections.ts";
import type { proto } from "../baileys/baileys.ts";
import { contextOf } from "./from-whatsapp/context.ts";
import { kindOf } from "./from-whatsapp/kinds.ts";
import { unwrap } from "./from-whatsapp/unwrap.ts";
import { chatOfSend, type SentMessage } from "./message-rows.ts";
import type { Prepared } from "./to-whatsapp.ts";

/** What a message of ours says. */
export function contentIn(
  message: proto.IMessage,
  chat: string,
): Pick<SentMessage, "text" | "content" | "context"> {
  const { body } = unwrap(message);
  const kind = kindOf(body);
  if (!kind) return { text: "", content: { type: "unsupported", kind: "" }, context: {} };
  return { ...kind.convert(), context: contextOf(body, kind.field, chat) };
}

/** A prepared send in the words in which received messages are told. `at`: when it goes on the wire. */
export function sentMessage(
  { messageId, createdAt }: Pick<CommandDocument, "createdAt"> & { messageId: string },
  { to, jid, type, message }: Prepared,
  { sender, via, at }: { sender: string | null; via?: string | undefined; at: Date },
): SentMessage {
  return {
    messageId,
    to,
    jid,
    sender,
    type,
    ...contentIn(message, chatOfSend({ to, jid })),
    ...(via !== undefined && { via }),
    queuedAt: createdAt ?? at,
    sentAt: at,
  };
}
