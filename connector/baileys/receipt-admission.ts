import { normaliseJid } from "#shared/jid.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { BinaryNode, SocketConfig, WASocket } from "./baileys.ts";

type Handle = (stanza: BinaryNode) => unknown;
type Key = Parameters<SocketConfig["getMessage"]>[0];

/** The admission of one socket's receipts. */
export interface ReceiptAdmission {
  /** Resolves when Baileys has, or has been spared, every receipt so far. */
  idle(): Promise<void>;
}

/** The most messages that Baileys gets to see as one receipt: it spreads them over the stack, which holds some 100,000. */
const idsMax = 10_000;

/**
 * Lets Baileys handle only receipts that it can trust. It takes a request to send a message again at its word: before it
 * looks for the message, it replaces the asker's session and queries WhatsApp for keys, for any id. So a request for a message
 * that `getMessage` does not give to the asker is only acknowledged. So is a receipt whose `participant` claims to be us while
 * `from`, which WhatsApp sets, says otherwise: Baileys would take it for one of our own devices.
 */
export function admitReceipts(wa: WASocket, getMessage: SocketConfig["getMessage"]): ReceiptAdmission {
  const { ws } = wa;
  const handlers = ws.listeners("CB:receipt") as Handle[];
  const requests = createSerialQueue(() => undefined);
  const handle: Handle = (receipt) => {
    for (const handler of handlers) handler(receipt);
  };
  ws.removeAllListeners("CB:receipt");
  ws.on("CB:receipt", (receipt: BinaryNode) => {
    const { from, participant, type } = receipt.attrs;
    if (participant && isOwn(wa, participant) && !isShared(from) && !isOwn(wa, from)) {
      return requests.push(() => wa.sendMessageAck(receipt));
    }
    if (type === "retry") {
      return requests.push(async () => {
        const isForAsker = await getMessage(keyOf(wa, receipt));
        if (isForAsker) handle(withoutItems(receipt));
        else await wa.sendMessageAck(receipt);
      });
    }
    for (const part of inParts(receipt)) handle(part);
  });
  return { idle: () => requests.idle() };
}

/** Whether several people write under this JID. */
function isShared(jid: string | undefined): boolean {
  return jid !== undefined && /@(g\.us|broadcast)$/.test(jid);
}

function isOwn({ authState }: WASocket, jid: string | undefined): boolean {
  const known = normaliseJid(jid);
  const { me } = authState.creds;
  return known !== null && [me?.id, me?.lid].some((one) => normaliseJid(one) === known);
}

/** The key that Baileys will make of a request. */
function keyOf(wa: WASocket, { attrs }: BinaryNode): Key {
  const { from, recipient, participant = from, id } = attrs;
  const remoteJid = !isOwn(wa, participant) || isShared(from) ? from : recipient;
  return { id, remoteJid, participant, fromMe: true } as Key;
}

/** A device asks for one message at a time. */
function withoutItems(receipt: BinaryNode): BinaryNode {
  const { content } = receipt;
  if (!Array.isArray(content)) return receipt;
  return { ...receipt, content: content.map((child) => ({ ...child, ...childrenWithoutItems(child) })) };
}

function childrenWithoutItems({ content }: BinaryNode): Pick<BinaryNode, "content"> {
  return Array.isArray(content) ? { content: content.filter(({ tag }) => tag !== "item") } : {};
}

/** The receipt, or several with at most 10,000 messages each. A probe's content must stay unread: see `queue-probe.ts`. */
function inParts(receipt: BinaryNode): BinaryNode[] {
  if (receipt.attrs.id === undefined || !Array.isArray(receipt.content)) return [receipt];
  const [list, ...rest] = receipt.content;
  if (!list || !Array.isArray(list.content) || list.content.length <= idsMax) return [receipt];
  const parts: BinaryNode[] = [];
  for (let from = 0; from < list.content.length; from += idsMax) {
    const items = list.content.slice(from, from + idsMax);
    parts.push({ ...receipt, attrs: { ...receipt.attrs }, content: [{ ...list, content: items }, ...rest] });
  }
  return parts;
}
