import type { Account, ReceivedMessage, ReceivedReceipt } from "../account.ts";
import { isGroup } from "../wire/jid.ts";

/** The part of an account from which conversations are built. */
export type Correspondent = Pick<Account, "phoneNumber" | "inbox" | "receipts">;

/** How far a message has got, according to the receipts that its sender's phone received. */
type Progress = "sent" | "delivered" | "read" | "played";

/** One message; `reader` is the phone number whose inbox holds it. */
export type ConversationLine = { reader: string; message: ReceivedMessage; progress: Progress };

const progressOf: Record<string, Progress> = {
  delivered: "delivered",
  inactive: "delivered",
  read: "read",
  played: "played",
};
const order: readonly Progress[] = ["sent", "delivered", "read", "played"];

/** The messages that two people wrote to each other, oldest first. Each phone's inbox holds the half that the other wrote. */
export function conversation(one: Correspondent, other: Correspondent): ConversationLine[] {
  const halves =
    one === other
      ? [[one, one] as const]
      : ([
          [one, other],
          [other, one],
        ] as const);
  return halves
    .flatMap(([reader, writer]) =>
      reader.inbox
        .filter(({ fromMe, from, to }) => !fromMe && from === writer.phoneNumber && !isGroup(to))
        .map((message) => ({
          reader: reader.phoneNumber,
          message,
          progress: progress(writer.receipts, message.id),
        })),
    )
    .sort((a, b) => a.message.at.getTime() - b.message.at.getTime());
}

/** The people with whom the owner has exchanged messages, with the last message of each, latest first. */
export function chats(owner: Correspondent, people: readonly Correspondent[]) {
  return people
    .filter((other) => other !== owner)
    .flatMap((other) => {
      const lines = conversation(owner, other);
      const last = lines.at(-1);
      return last ? [{ phoneNumber: other.phoneNumber, messages: lines.length, last: last.message }] : [];
    })
    .sort((a, b) => b.last.at.getTime() - a.last.at.getTime());
}

function progress(receipts: readonly ReceivedReceipt[], messageId: string): Progress {
  return receipts
    .filter((receipt) => receipt.messageId === messageId)
    .map((receipt) => progressOf[receipt.type] ?? "sent")
    .reduce((best, next) => (order.indexOf(next) > order.indexOf(best) ? next : best), "sent");
}
