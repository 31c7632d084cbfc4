import type { BinaryNode, WASocket } from "./baileys.ts";

/** The outcome of a request for a pairing code. Only a confirmed code works. */
export type PairingCodeAnswer =
  | { kind: "confirmed"; text: string }
  /** `code` is WhatsApp's, such as 429. */
  | { kind: "refused"; code: number | null }
  /** WhatsApp did not answer in time. */
  | { kind: "unanswered" };

type PairingSocket = Pick<WASocket, "requestPairingCode" | "generateMessageTag" | "waitForMessage">;

/**
 * Asks WhatsApp for a pairing code, and waits for its answer. Baileys returns the code as soon as the request is written,
 * so it would show codes that WhatsApp refused. Rejects when the socket ends first.
 */
export async function requestPairingCode(
  wa: PairingSocket,
  phoneNumber: string,
  answerMs: number,
): Promise<PairingCodeAnswer> {
  const tag = nextTag(wa.generateMessageTag());
  const written = wa.requestPairingCode(phoneNumber);
  const answered = wa.waitForMessage<BinaryNode>(tag, answerMs);
  // The tag is drawn before the first pause of Baileys' function, so that nothing else can have drawn it.
  const isOurs = wa.generateMessageTag() === nextTag(tag);
  const [text, answer] = await Promise.all([written, answered]);
  if (!isOurs) throw new Error("Baileys did not number its request for a pairing code as expected");
  if (!answer) return { kind: "unanswered" };
  const refusal = refusalIn(answer);
  return refusal ?? { kind: "confirmed", text };
}

/** Tags are a prefix of the socket and a running number. */
function nextTag(tag: string): string {
  return tag.replace(/\d+$/, (number) => String(Number(number) + 1));
}

function refusalIn({ attrs, content }: BinaryNode): PairingCodeAnswer | null {
  if (attrs.type === "result") return null;
  const [error] = Array.isArray(content) ? content : [];
  const code = Number(error?.attrs.code ?? Number.NaN);
  return { kind: "refused", code: Number.isInteger(code) ? code : null };
}
