import { createBoundedCache } from "#shared/bounded-cache.ts";
import { ServiceError } from "#shared/errors.ts";
import { jidUser, normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import { USyncQuery, USyncUser, type WASocket } from "../baileys/baileys.ts";
import type { DevicesOf } from "../baileys/devices.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { askForDevices } from "./devices.ts";

/** Finds out where sends have to go, and remembers it for a day. */
export interface Recipients {
  /**
   * Resolves to the JID that WhatsApp names for `jid`, once copies can be encrypted for its devices without another query.
   * Throws `recipient_not_on_whatsapp` when WhatsApp says so, and another error when it does not answer in time or names no
   * device. Asks nothing about a recipient whose devices and sessions are known; concurrent calls share the questions.
   */
  reach(wa: WASocket, jid: string): Promise<string>;
}

export interface RecipientsOptions {
  /** How long WhatsApp's answers about one recipient may take in all. */
  recipientMs: number;
  devicesOf: DevicesOf;
}

/** The most recipients that are remembered, and for how long. */
const knownMax = 10_000;
const knownMs = 24 * 60 * 60_000;

export function createRecipients({ recipientMs, devicesOf }: RecipientsOptions): Recipients {
  const known = createBoundedCache<string>(knownMax, { ttl: knownMs });
  const asking = new WeakMap<WASocket, Map<string, Promise<string>>>();

  const nameOf = async (wa: WASocket, jid: string): Promise<string> => {
    const remembered = known.get(jid);
    if (remembered) return remembered;
    const name = phoneNumberOf(jid) === null ? await existingLid(wa, jid) : await registeredJid(wa, jid);
    if (!name) throw new ServiceError("recipient_not_on_whatsapp");
    known.set(jid, name);
    return name;
  };
  const ask = async (wa: WASocket, jid: string): Promise<string> => {
    const name = await nameOf(wa, jid);
    try {
      await askForDevices(wa, devicesOf, name);
    } catch (error) {
      // It may have moved to another JID since it was remembered.
      known.delete(jid);
      throw error;
    }
    return name;
  };

  return {
    reach(wa, jid) {
      const byJid = asking.get(wa) ?? new Map<string, Promise<string>>();
      asking.set(wa, byJid);
      const shared = byJid.get(jid);
      if (shared) return shared;
      const inTime = AbortSignal.timeout(recipientMs);
      const own = untilAborted(inTime, () => ask(wa, jid)).finally(() => byJid.delete(jid));
      byJid.set(jid, own);
      return own;
    },
  };
}

/** The JID under which a number is registered; it differs from the one that was dialled in some countries. */
async function registeredJid(wa: WASocket, jid: string): Promise<string | null> {
  const found = assertAnswered(await wa.onWhatsApp(jid)).find(({ exists }) => exists);
  return found ? (normaliseJid(found.jid) ?? jid) : null;
}

/**
 * Checks what the send itself would not notice: for a LID that does not exist, Baileys sends only the copies for the
 * sender's own devices, or takes the phone number with the same digits instead.
 */
async function existingLid(
  { signalRepository, executeUSyncQuery }: WASocket,
  lid: string,
): Promise<string | null> {
  if (await signalRepository.lidMapping.getPNForLID(lid)) return lid;
  if ((await signalRepository.validateSession(lid)).exists) return lid;
  // The query that Baileys makes before a send, whose own result does not distinguish silence from an unknown LID.
  const query = new USyncQuery().withContext("message").withDeviceProtocol().withLIDProtocol();
  const { list } = assertAnswered(await executeUSyncQuery(query.withUser(new USyncUser().withId(lid))));
  return list.some(({ id, devices }) => jidUser(id) === jidUser(lid) && isDeviceList(devices)) ? lid : null;
}

/** Baileys resolves a query that timed out to `undefined`. */
function assertAnswered<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Error("WhatsApp did not answer the recipient query");
  return answer;
}

/** A list without a device, too, belongs to a LID that exists. */
function isDeviceList(devices: unknown): boolean {
  return typeof devices === "object" && devices !== null && "deviceList" in devices;
}
