import { LRUCache } from "lru-cache";
import { ServiceError } from "#shared/errors.ts";
import { phoneNumberOf } from "#shared/jid.ts";
import { USyncQuery, USyncUser, type WASocket } from "../baileys/baileys.ts";

/** Remembers which recipients are on WhatsApp, so that each is queried at most once a day. */
export interface RecipientCheck {
  /**
   * Throws `recipient_not_on_whatsapp` when WhatsApp says so, and another error when it does not answer. Does not query a
   * LID that is mapped to a number or that has a session.
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
  const found = assertAnswered(await wa.onWhatsApp(jid));
  return found.some(({ exists }) => exists);
}

/**
 * Checks what the send itself would not notice: for a LID that does not exist, Baileys sends only the copies for the
 * sender's own devices, or takes the phone number with the same digits instead.
 */
async function lidExists({ signalRepository, executeUSyncQuery }: WASocket, lid: string): Promise<boolean> {
  if (await signalRepository.lidMapping.getPNForLID(lid)) return true;
  if ((await signalRepository.validateSession(lid)).exists) return true;
  // The query that Baileys makes before a send, whose own result does not distinguish silence from an unknown LID.
  const query = new USyncQuery().withContext("message").withDeviceProtocol().withLIDProtocol();
  const { list } = assertAnswered(await executeUSyncQuery(query.withUser(new USyncUser().withId(lid))));
  return list.some(({ devices }) => hasDevices(devices));
}

/** Baileys resolves a query that timed out to `undefined`. */
function assertAnswered<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Error("WhatsApp did not answer the recipient query");
  return answer;
}

function hasDevices(devices: unknown): boolean {
  if (typeof devices !== "object" || devices === null || !("deviceList" in devices)) return false;
  return Array.isArray(devices.deviceList) && devices.deviceList.length > 0;
}
