import { type BinaryNode, encodeBinaryNode } from "@whiskeysockets/baileys";
import type { StanzaOptions } from "../account.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { encryptFor } from "../signal/sessions.ts";
import type { Person } from "../state/person.ts";
import { jidOf } from "../wire/jid.ts";
import { children } from "../wire/stanza.ts";

/** A frame's length has three bytes; encryption adds a tag. */
const stanzaBytesMax = 2 ** 24 - 1_024;

/** Posts a stanza of a person's own making to every client of the recipient. The server vouches for its sender alone. Throws for one that fits into no frame. */
export async function sendAnyStanza(
  network: Network,
  person: Person,
  to: string,
  node: BinaryNode,
  { addressing = "pn", group, sealed }: StanzaOptions,
): Promise<void> {
  const recipient = network.person(to);
  for (const companion of recipient.state.companions) {
    const author = jidOf(person.state, addressing);
    const attrs = { ...node.attrs, ...(group ? { from: group, participant: author } : { from: author }) };
    const stanza = { ...node, attrs };
    if (sealed) {
      const enc = await encryptFor(network, person, person.phone, { person: recipient, companion }, sealed);
      stanza.content = [...children(node), enc];
    }
    if (encodeBinaryNode(stanza).length > stanzaBytesMax) throw new Error("the stanza fits into no frame");
    post(network, companion, stanza);
  }
}
