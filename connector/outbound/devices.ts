import { jidUser, normaliseJid } from "#shared/jid.ts";
import type { WASocket } from "../baileys/baileys.ts";
import type { DevicesOf } from "../baileys/devices.ts";

/**
 * Asks WhatsApp for what a relay needs about a recipient, before the relay: inside it, the whole channel would wait for the
 * answers. The relay itself then finds everything in Baileys' caches. Resolves when a device of the recipient can get a copy.
 */
export async function askForDevices(wa: WASocket, devicesOf: DevicesOf, jid: string): Promise<void> {
  const all = await devicesOf(wa, [ownJid(wa, jid), jid]);
  // The device that sends needs no copy, and WhatsApp may refuse a question for its own keys, and with it the others.
  const devices = all.filter((device) => device !== wa.user?.id && device !== wa.user?.lid);
  const theirs = devices.filter((device) => jidUser(device) === jidUser(jid));
  if (theirs.length === 0) throw new Error("WhatsApp names no device of the recipient");
  const wereMissing = await wa.assertSessions(devices);
  if (wereMissing && !(await hasSession(wa, theirs))) {
    throw new Error("WhatsApp gave no keys for a device of the recipient");
  }
}

async function hasSession({ signalRepository }: WASocket, devices: readonly string[]): Promise<boolean> {
  const found = await Promise.all(devices.map((device) => signalRepository.validateSession(device)));
  return found.some(({ exists }) => exists);
}

/** The address of our own account that a relay to this chat uses. */
function ownJid({ user }: WASocket, jid: string): string {
  const own = (jid.endsWith("@lid") && normaliseJid(user?.lid)) || normaliseJid(user?.id);
  if (!own) throw new Error("The socket has no account");
  return own;
}
