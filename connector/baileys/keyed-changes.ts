import type { proto } from "@whiskeysockets/baileys";

type Change = "ReactionMessage" | "PollUpdateMessage";
type Decode = (...bytes: Parameters<typeof proto.Message.ReactionMessage.decode>) => object;

/** Where Baileys looks for the key of the message that the change is about. */
const keyFields: Record<Change, string> = {
  ReactionMessage: "key",
  PollUpdateMessage: "pollCreationMessageKey",
};

const patched = Symbol.for("waypost.keyed-changes");

/**
 * Patches Baileys in place to give a key to every reaction and vote. It turns the key to our side unseen, after the receipt has
 * left, so that one without a key threw there and was lost.
 */
export function giveKeysToChanges({
  Message,
  MessageKey,
}: Pick<typeof proto, "Message" | "MessageKey">): void {
  for (const change of Object.keys(keyFields) as Change[]) {
    const type: { decode: Decode } = Message[change];
    if (patched in type.decode) continue;
    const decode = type.decode.bind(type);
    const keyed: Decode = (...bytes) => {
      const decoded = decode(...bytes) as Record<string, unknown>;
      decoded[keyFields[change]] ??= MessageKey.create();
      return decoded;
    };
    type.decode = Object.assign(keyed, { [patched]: true });
  }
}
