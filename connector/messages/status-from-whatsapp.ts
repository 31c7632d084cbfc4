import type { EventData, MessageStatus } from "#shared/events.ts";
import type { BaileysEventMap } from "../baileys/baileys.ts";

/** Baileys' status numbers in our words; the others say nothing to a caller. */
const statusNames: Record<number, Exclude<MessageStatus, "queued" | "unknown">> = {
  0: "failed",
  2: "sent",
  3: "delivered",
  4: "read",
  5: "played",
};

/** A status of a message of ours, as it was reported. */
export interface ReportedStatus {
  update: EventData["message_status_update"];
  /** The chat from which a receipt came; null for one of the own account's devices, which may leave the chat out. */
  chat: string | null;
  /** WhatsApp itself refused the message: nobody else can report that. */
  isRefusal: boolean;
}

/** Converts Baileys' update about one of our messages; null for updates that callers do not see. */
export function statusFromWhatsApp({
  key,
  update,
}: BaileysEventMap["messages.update"][number]): ReportedStatus | null {
  const status = statusNames[Number(update.status ?? Number.NaN)];
  if (!status || !key.fromMe || !key.id) return null;
  const isRefusal = status === "failed";
  const error = isRefusal ? { error: refusal(update.messageStubParameters) } : {};
  return { update: { messageId: key.id, status, ...error }, chat: key.remoteJid ?? null, isRefusal };
}

function refusal(parameters: readonly string[] | null | undefined) {
  const whatsappCode = Number(parameters?.[0]);
  return { code: "whatsapp_rejected", ...(Number.isFinite(whatsappCode) ? { whatsappCode } : {}) };
}
