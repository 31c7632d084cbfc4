import { normaliseJid } from "#shared/jid.ts";
import type { Send } from "../commands/send-settlement.ts";

/** The chat whose order a send keeps. A send whose recipient cannot be read keeps none: it is refused in its turn. */
export function chatOf({ _id, payload }: Send): string {
  const to = typeof payload === "object" && payload !== null && "to" in payload ? payload.to : null;
  return (typeof to === "string" ? normaliseJid(to) : null) ?? `send ${_id}`;
}
