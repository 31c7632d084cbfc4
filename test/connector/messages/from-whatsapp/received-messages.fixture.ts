import { rememberArrival } from "#connector/baileys/arrivals.ts";
import { cleanMessage, proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { fromWhatsApp } from "#connector/messages/from-whatsapp/from-whatsapp.ts";

export const peer = "15550100001@s.whatsapp.net";
export const lid = "4242@lid";
export const ownJid = "15550100002@s.whatsapp.net";
export const ownLid = "4343@lid";
export const account = {
  jid: ownJid,
  isOwn: (jid: string | null | undefined) => jid === ownJid || jid === ownLid,
};

/** As it arrives: in the classes of the protocol, with its 64-bit numbers. */
export function message(body: proto.IMessage, fields: Partial<WAMessage> = {}): WAMessage {
  return {
    message: proto.Message.decode(proto.Message.encode(body).finish()),
    messageTimestamp: 1_700_000_000,
    ...fields,
    key: { remoteJid: peer, fromMe: false, id: "3EB0A", ...fields.key },
  };
}

export function convert(body: proto.IMessage, key: Partial<WAMessage["key"]> = {}) {
  return fromWhatsApp(message(body, { key: key as WAMessage["key"] }), account);
}

/** The data of the event for a message, whose type the test knows. */
export function dataOf(body: proto.IMessage, key?: Partial<WAMessage["key"]>): Record<string, unknown> {
  return { ...convert(body, key)?.data };
}

/** Converts a message as Baileys hands it over: it turns some of the keys in it. */
export function handedOver(body: proto.IMessage, key: Partial<WAMessage["key"]> = {}) {
  const one = message(body, { key: key as WAMessage["key"] });
  cleanMessage(one, ownJid, ownLid);
  return fromWhatsApp(one, account);
}

interface Arrival {
  key?: Partial<WAMessage["key"]>;
  /** The attributes of its stanza. */
  stanza?: Record<string, string>;
  /** As it was decrypted, without padding; what it encodes, unless told. */
  encoded?: Uint8Array;
}

/** Converts a message that came in a stanza and was decrypted. */
export function arrived(body: proto.IMessage, { key = {}, stanza = {}, encoded }: Arrival) {
  const one = message(body, { key: key as WAMessage["key"] });
  const plaintext = Buffer.concat([encoded ?? proto.Message.encode(body).finish(), Buffer.of(1)]);
  rememberArrival(one, [{ plaintext, stanza, enc: {}, arrival: 1, part: 0 }]);
  return fromWhatsApp(one, account);
}
