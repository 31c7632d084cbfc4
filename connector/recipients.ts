import { LRUCache } from "lru-cache";
import { phoneNumberOf } from "../shared/address.ts";
import { ServiceError } from "../shared/errors.ts";
import type { WASocket } from "./baileys/baileys.ts";

/** Who is known to be on WhatsApp, so that each number is asked for once a day at most. */
export interface Recipients {
  /** Throws `recipient_not_on_whatsapp`; a LID exists by being known. */
  check(wa: WASocket, jid: string): Promise<void>;
}

const dayMs = 24 * 60 * 60_000;

export function createRecipients(): Recipients {
  const known = new LRUCache<string, true>({ max: 10_000, ttl: dayMs });
  return {
    async check(wa, jid) {
      if (known.has(jid) || phoneNumberOf(jid) === null) return;
      const found = await wa.onWhatsApp(jid);
      if (!found?.some(({ exists }) => exists)) throw new ServiceError("recipient_not_on_whatsapp");
      known.set(jid, true);
    },
  };
}
