import { createHash } from "node:crypto";
import { jidDecode } from "@whiskeysockets/baileys";
import type { Addressing } from "../account.ts";

/** One device of one person, under one of the person's two addresses. */
export interface DeviceAddress {
  user: string;
  addressing: Addressing;
  device: number;
}

const servers = { pn: "s.whatsapp.net", lid: "lid" } as const;

/** Parses `123@s.whatsapp.net` or `123:4@lid`. Null for groups and everything else. */
export function parseAddress(jid: string | undefined): DeviceAddress | null {
  const decoded = jidDecode(jid);
  if (!decoded?.user) return null;
  const { user, server, device = 0 } = decoded;
  if (server === "s.whatsapp.net" || server === "c.us") return { user, addressing: "pn", device };
  return server === "lid" ? { user, addressing: "lid", device } : null;
}

export const isGroup = (jid: string): boolean => jid.endsWith("@g.us");

/** The JID of a person or, with a device other than the phone, of that device. */
export function jidOf(
  person: { phoneNumber: string; lid: string },
  addressing: Addressing,
  device = 0,
): string {
  const user = addressing === "pn" ? person.phoneNumber : person.lid;
  return `${user}${device === 0 ? "" : `:${device}`}@${servers[addressing]}`;
}

/** The LID of a number: as long as real ones, and the same in every sandbox. */
export function lidFor(phoneNumber: string): string {
  const digest = createHash("sha256").update(`lid ${phoneNumber}`).digest();
  return String(100_000_000_000_000 + (digest.readUIntBE(0, 6) % 900_000_000_000_000));
}
