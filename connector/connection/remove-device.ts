import { type Answer, ask } from "../baileys/ask.ts";
import type { WASocket } from "../baileys/baileys.ts";

/**
 * Asks WhatsApp to remove this device from the account. Baileys' own `logout` takes the end of the write for the answer. Never
 * rejects.
 */
export function removeDevice(wa: Pick<WASocket, "query" | "authState">, answerMs: number): Promise<Answer> {
  const jid = wa.authState.creds.me?.id ?? "";
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "md" };
  const content = [{ tag: "remove-companion-device", attrs: { jid, reason: "user_initiated" } }];
  return ask(wa, { tag: "iq", attrs, content }, answerMs);
}
