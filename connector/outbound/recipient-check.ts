import { LRUCache } from "lru-cache";
import { phoneNumberOf } from "#shared/address.ts";
import { ServiceError } from "#shared/errors.ts";
import { USyncQuery, USyncUser, type WASocket } from "../baileys/baileys.ts";

/** Who is known to be on WhatsApp, so that each address is asked for once a day at most. */
export interface RecipientCheck {
  /**
   * Throws `recipient_not_on_whatsapp` when WhatsApp says that nobody is there, and anything else when it says
   * nothing. A LID that is mapped to a number, or that has a session, is known.
   */
  check(wa: WASocket, jid: string): Promise<void>;
}

const dayMs = 24 * 60 * 60_000;

export function createRecipientCheck(): RecipientCheck {
  const known = new LRUCache<string, true>({ max: 10_000, ttl: dayMs });
  return {
    async check(wa, jid) {
      if (known.has(jid)) return;
      const exists = phoneNumberOf(jid) === null ? await lidExists(wa, jid) : await numberExists(wa, jid);
      if (!exists) throw new ServiceError("recipient_not_on_whatsapp");
      known.set(jid, true);
    },
  };
}

async function numberExists(wa: WASocket, jid: string): Promise<boolean> {
  const found = answered(await wa.onWhatsApp(jid));
  return found.some(({ exists }) => exists);
}

/**
 * Not left to the send: to a LID that nobody has, Baileys sends only the copies for the sender's own devices, or it
 * takes the number of the same digits for it.
 */
async function lidExists({ signalRepository, executeUSyncQuery }: WASocket, lid: string): Promise<boolean> {
  if (await signalRepository.lidMapping.getPNForLID(lid)) return true;
  if ((await signalRepository.validateSession(lid)).exists) return true;
  // As Baileys asks before it sends, whose own answer does not tell silence from nobody.
  const query = new USyncQuery().withContext("message").withDeviceProtocol().withLIDProtocol();
  const { list } = answered(await executeUSyncQuery(query.withUser(new USyncUser().withId(lid))));
  return list.some(({ devices }) => hasDevices(devices));
}

/** A query that ran into its timeout resolves to `undefined`. */
function answered<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Error("WhatsApp did not answer who is there");
  return answer;
}

function hasDevices(devices: unknown): boolean {
  if (typeof devices !== "object" || devices === null || !("deviceList" in devices)) return false;
  return Array.isArray(devices.deviceList) && devices.deviceList.length > 0;
}
