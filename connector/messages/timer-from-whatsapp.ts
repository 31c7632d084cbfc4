import { normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import { proto, type WAMessage } from "../baileys/baileys.ts";

/** A chat's setting for disappearing messages. */
export interface ChatTimer {
  /** 0 when messages stay. */
  seconds: number;
  /** When it was set, by WhatsApp's clock, in ms. */
  setAt: number;
}

type Numeric = number | { toNumber(): number } | null | undefined;

/** A chat in the phone's list. */
export interface SeenChat {
  id?: string | null | undefined;
  pnJid?: string | null | undefined;
  ephemeralExpiration?: Numeric;
  ephemeralSettingTimestamp?: Numeric;
}

const secondsMax = 366 * 86_400;
const depthMax = 5;

/** The timer that a message tells: by changing it, or by running under it. Null for groups, and when it tells none. */
export function timerInMessage({
  key,
  message,
  messageTimestamp,
}: Pick<WAMessage, "key" | "message" | "messageTimestamp">): (ChatTimer & { chat: string }) | null {
  const sentAt = numberOf(messageTimestamp);
  const told = message ? toldBy(message) : null;
  if (!told || sentAt === null) return null;
  // A time after the message's own would keep every later setting out.
  const setAt = Math.min(told.setAt ?? sentAt, sentAt);
  return timer(personIn(key.remoteJid, key.remoteJidAlt), told.seconds, setAt);
}

/** The timer of a chat in the phone's list; null when the list does not tell it. */
export function timerInChat({
  id,
  pnJid,
  ephemeralExpiration,
  ephemeralSettingTimestamp,
}: SeenChat): (ChatTimer & { chat: string }) | null {
  const setAt = numberOf(ephemeralSettingTimestamp);
  if (ephemeralExpiration === undefined || setAt === null) return null;
  return timer(personIn(id, pnJid), numberOf(ephemeralExpiration) ?? 0, setAt);
}

function timer(chat: string | null, seconds: number, setAtSeconds: number) {
  const isValid = Number.isInteger(seconds) && seconds >= 0 && seconds <= secondsMax;
  return chat && isValid ? { chat, seconds, setAt: setAtSeconds * 1_000 } : null;
}

/** The person's number if it is known, otherwise their LID. */
function personIn(jid: string | null | undefined, other: string | null | undefined): string | null {
  const addresses = [normaliseJid(jid), normaliseJid(other)].filter((one) => one !== null);
  const [first] = addresses;
  if (!first || first.endsWith("@g.us")) return null;
  return addresses.find((one) => phoneNumberOf(one) !== null) ?? first;
}

interface Told {
  seconds: number;
  setAt: number | null;
}

/** Looks into a message and its wrappers. */
function toldBy(message: proto.IMessage, depth = 0): Told | null {
  const { protocolMessage } = message;
  if (protocolMessage?.type === proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING) {
    const { ephemeralExpiration, ephemeralSettingTimestamp } = protocolMessage;
    return { seconds: ephemeralExpiration ?? 0, setAt: numberOf(ephemeralSettingTimestamp) };
  }
  for (const part of Object.values(message) as unknown[]) {
    const told = toldByPart(part, depth);
    if (told) return told;
  }
  return null;
}

function toldByPart(part: unknown, depth: number): Told | null {
  if (typeof part !== "object" || part === null) return null;
  const { contextInfo, message } = part as {
    contextInfo?: proto.IContextInfo | null;
    message?: proto.IMessage | null;
  };
  if (contextInfo?.expiration) {
    return { seconds: contextInfo.expiration, setAt: numberOf(contextInfo.ephemeralSettingTimestamp) };
  }
  return message && depth < depthMax ? toldBy(message, depth + 1) : null;
}

/** Null for an absent number, and for 0, which protobuf puts for one that was not set. */
function numberOf(value: Numeric): number | null {
  const number = Number(value ?? 0);
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}
