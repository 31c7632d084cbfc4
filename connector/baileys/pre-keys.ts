import { ask } from "./ask.ts";
import { type BinaryNode, getBinaryNodeChild, getNextPreKeysNode, type WASocket } from "./baileys.ts";

type PreKeySocket = Pick<WASocket, "query" | "authState">;

/** How many one-time pre-keys a new device offers, and how many a known one that has few left. */
const firstCount = 812;
const lowCount = 5;
/** How long WhatsApp may take to answer an upload. */
const uploadMs = 30_000;

/**
 * Offers WhatsApp one-time pre-keys if it has few, or if the newest is gone. Throws when WhatsApp does not answer. Baileys
 * takes silence for acceptance, and makes new keys for every attempt.
 */
export async function offerPreKeys(wa: PreKeySocket, save: () => void, answerMs: number): Promise<void> {
  const answer = await answerTo(wa, "count", answerMs);
  const kept = Number(getBinaryNodeChild(answer, "count")?.attrs.value ?? Number.NaN);
  if (Number.isNaN(kept)) throw new Error("WhatsApp did not say how many pre-keys it has");
  const count = kept === 0 ? firstCount : lowCount;
  if (kept <= count || (await isNewestGone(wa))) await uploadPreKeys(wa, save, count);
  else endOffers(wa, save);
}

/**
 * Calls `work` when WhatsApp says that it has few pre-keys. Baileys would offer them before it takes the next message, and
 * make new ones for every attempt, so it is told of enough.
 */
export function onFewPreKeys(wa: Pick<WASocket, "ws">, work: () => void): void {
  wa.ws.prependListener("CB:notification,type:encrypt", (node: BinaryNode) => {
    const count = getBinaryNodeChild(node, "count");
    if (!count || Number(count.attrs.value) >= lowCount) return;
    count.attrs.value = String(lowCount);
    work();
  });
}

/** Lets WhatsApp check the keys of this device, and offers pre-keys if it finds none. Throws when it does not answer. */
export async function checkKeys(wa: PreKeySocket, save: () => void, answerMs: number): Promise<void> {
  const answer = await answerTo(wa, "digest", answerMs);
  if (!getBinaryNodeChild(answer, "digest")) await uploadPreKeys(wa, save, lowCount);
}

/** The keys are durable before they leave. Those that WhatsApp did not take are the first of the next offer. */
async function uploadPreKeys(wa: PreKeySocket, save: () => void, count: number): Promise<void> {
  const { creds, keys } = wa.authState;
  const { node, update } = await keys.transaction(async () => {
    const next = await getNextPreKeysNode({ creds, keys }, count);
    creds.nextPreKeyId = next.update.nextPreKeyId ?? creds.nextPreKeyId;
    return next;
  }, "pre-keys");
  const { kind } = await ask(wa, node, uploadMs);
  if (kind !== "result") throw new Error(`WhatsApp did not accept pre-keys: ${kind}`);
  const { firstUnuploadedPreKeyId = 0 } = update;
  creds.firstUnuploadedPreKeyId = Math.max(creds.firstUnuploadedPreKeyId, firstUnuploadedPreKeyId);
  save();
}

/**
 * WhatsApp has enough, so it took the last offer, answered or not. Offered once more, a key would be handed to two contacts,
 * and only the first of them could write.
 */
function endOffers({ authState: { creds } }: PreKeySocket, save: () => void): void {
  if (creds.firstUnuploadedPreKeyId >= creds.nextPreKeyId) return;
  creds.firstUnuploadedPreKeyId = creds.nextPreKeyId;
  save();
}

/** Contacts would be handed keys that are not stored here any more. */
async function isNewestGone({ authState: { creds, keys } }: PreKeySocket): Promise<boolean> {
  const newest = String(creds.nextPreKeyId - 1);
  if (newest === "0") return false;
  return !(await keys.get("pre-key", [newest]))[newest];
}

async function answerTo(wa: PreKeySocket, request: string, answerMs: number): Promise<BinaryNode> {
  const attrs = { to: "@s.whatsapp.net", xmlns: "encrypt", type: "get" };
  const iq = { tag: "iq", attrs, content: [{ tag: request, attrs: {} }] };
  const answer = await ask(wa, iq, answerMs);
  if (answer.kind !== "result") throw new Error(`WhatsApp did not answer: ${answer.kind}`);
  return answer.node;
}
