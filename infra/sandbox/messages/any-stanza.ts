import type { BinaryNode } from "@whiskeysockets/baileys";
import type { StanzaOptions } from "../account.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { encryptFor } from "../signal/sessions.ts";
import type { Person } from "../state/person.ts";
import { jidOf } from "../wire/jid.ts";
import { children } from "../wire/stanza.ts";

/** Posts a stanza of a person's own making to every client of the recipient. The server vouches for its sender alone. */
export async function sendAnyStanza(
  network: Network,
  person: Person,
  to: string,
  node: BinaryNode,
  { addressing = "pn", sealed }: StanzaOptions,
): Promise<void> {
  const recipient = network.person(to);
  for (const companion of recipient.state.companions) {
    const attrs = { ...node.attrs, from: jidOf(person.state, addressing) };
    if (!sealed) {
      post(network, companion, { ...node, attrs });
      continue;
    }
    const enc = await encryptFor(network, person, person.phone, { person: recipient, companion }, sealed);
    post(network, companion, { ...node, attrs, content: [...children(node), enc] });
  }
}
