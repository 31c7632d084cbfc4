import { rememberArrival } from "./arrivals.ts";
import { cleanMessage, decryptMessageNode, proto, silentLogger, type WAMessage } from "./baileys.ts";
import type { JournaledPart } from "./journaled-part.ts";

type Repository = Parameters<typeof decryptMessageNode>[3];

/** Replaces decryption for parts that hold their plaintext; their keys and mappings have been stored before. */
const plaintextRepository = {
  decryptMessage: async ({ ciphertext }: { ciphertext: Uint8Array }) => ciphertext,
  decryptGroupMessage: async ({ msg }: { msg: Uint8Array }) => msg,
  processSenderKeyDistributionMessage: async () => undefined,
  migrateSession: async () => undefined,
  lidMapping: { getLIDForPN: async () => null, storeLIDPNMappings: async () => undefined },
} as unknown as Repository;

/**
 * Returns the message that Baileys makes of a stanza with these parts. `me` is the channel's own account. Throws if the
 * parts form no message.
 */
export async function replayedMessage(
  parts: readonly JournaledPart[],
  me: { id: string; lid?: string },
): Promise<WAMessage> {
  const attrs = { ...parts[0]?.stanza };
  const content = parts.map(({ enc, plaintext }) => ({ tag: "enc", attrs: enc, content: plaintext }));
  const lid = me.lid ?? "";
  const stanza = { tag: "message", attrs, content };
  const { fullMessage, decrypt } = decryptMessageNode(stanza, me.id, lid, plaintextRepository, silentLogger);
  await decrypt();
  if (fullMessage.messageStubType === proto.WebMessageInfo.StubType.CIPHERTEXT) {
    throw new Error("The decrypted parts form no message");
  }
  cleanMessage(fullMessage, me.id, lid);
  rememberArrival(fullMessage, parts);
  return fullMessage;
}
