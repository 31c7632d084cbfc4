import type { Account, ReceivedMessage, ReceivedReceipt } from "../account.ts";
import { isGroup } from "../wire/jid.ts";

/** As much of an account as its correspondence is made of. */
export type Correspondent = Pick<Account, "phoneNumber" | "inbox" | "receipts">;

/** How far a message has come, as far as its sender's phone was told. */
type Progress = "sent" | "delivered" | "read" | "played";

/** One message; `reader` is the phone number whose inbox it is in. */
export type ConversationLine = { reader: string; message: ReceivedMessage; progress: Progress };

const progressOf: Record<string, Progress> = {
  delivered: "delivered",
  inactive: "delivered",
  read: "read",
  played: "played",
};
const order: readonly Progress[] = ["sent", "delivered", "read", "played"];

/** What two people wrote to each other, oldest first: each phone's inbox holds the other's half. */
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

/** The people somebody wrote to or heard from, with the last message of each, latest first. */
export function chats(owner: Correspondent, everybody: readonly Correspondent[]) {
  return everybody
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
