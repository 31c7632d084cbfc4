import { type BinaryNode, proto } from "#connector/baileys/baileys.ts";
import type { StanzaOptions } from "#infra/sandbox/account.ts";
import type { Random } from "../chaos/random.ts";

/** The facts that a hostile contact knows. */
export interface Known {
  /** JIDs of the channel, of the contact and of others. */
  jids: readonly [string, ...string[]];
  /** Ids of messages that the channel sent to others, and others to it. */
  ids: readonly [string, ...string[]];
}

export interface HostileStanza {
  stanza: BinaryNode;
  options: StanzaOptions;
}

/** The tags of stanzas that WhatsApp passes on from a contact; all others are its own. */
const tags = ["message", "receipt", "notification", "call", "presence", "chatstate"] as const;
const types = [
  ...["retry", "read", "read-self", "played", "sender", "inactive", "peer_msg", "hist_sync", "server-error"],
  ...["w:gp2", "encrypt", "devices", "picture", "mediaretry", "privacy_token", "newsletter", "mex", "status"],
  ...["text", "media", "poll", "event", "reaction", "unavailable", "composing", "", "__proto__", "💥"],
] as const;
const names = [
  ...["type", "participant", "recipient", "t", "offline", "notify", "category", "edit", "count", "phash"],
  ...["sender_lid", "sender_pn", "participant_pn", "participant_lid", "addressing_mode", "verified_name"],
  ...["recipient_lid", "peer_recipient_pn", "call-id", "call-creator", "jid", "error", "class", "__proto__"],
] as const;
const childTags = [
  ...["enc", "plaintext", "unavailable", "list", "retry", "registration", "keys", "device-identity", "item"],
  ...[
    "verified_name",
    "participants",
    "participant",
    "add",
    "remove",
    "promote",
    "create",
    "group",
    "subject",
  ],
  ...[
    "identity",
    "device",
    "update",
    "set",
    "delete",
    "offer",
    "terminate",
    "timeout",
    "composing",
    "tokens",
  ],
  ...["ephemeral", "description", "body", "skey", "key", "id", "value", "signature", "type", "count", "mex"],
] as const;
const encTypes = ["pkmsg", "msg", "skmsg", "msmsg", "frskmsg", "", "x"] as const;

/** A stanza of random shape, with contents that reach as deep as a contact can. */
export function hostileStanza(random: Random, known: Known): HostileStanza {
  const tag = random.pick(tags);
  const stanza: BinaryNode = { tag, attrs: attrsOf(random, known, { isWhole: true }) };
  const content = contentOf(random, known, 3);
  if (content !== undefined) stanza.content = content;
  const options: StanzaOptions = {
    addressing: random.pick(["pn", "lid"]),
    ...(random.next() < 0.2 ? { group: "120363000000000001@g.us" } : {}),
    ...(tag === "message" && random.next() < 0.7 ? { sealed: sealedBytes(random, known) } : {}),
  };
  if (options.sealed && !Array.isArray(stanza.content)) delete stanza.content;
  return { stanza, options };
}

function attrsOf(random: Random, known: Known, { isWhole }: { isWhole: boolean }): BinaryNode["attrs"] {
  const attrs: BinaryNode["attrs"] = {};
  if (isWhole && random.next() < 0.95) attrs.id = idOf(random, known);
  if (random.next() < 0.8) attrs.type = random.pick(types);
  if (random.next() < 0.7) attrs.t = timeOf(random);
  for (let left = random.index(4); left > 0; left--) attrs[random.pick(names)] = textOf(random, known);
  return attrs;
}

function idOf(random: Random, known: Known): string {
  return random.pick<() => string>([
    () => random.pick(known.ids),
    () => `3EB0${random.index(1e9)}`,
    () => "I".repeat(lengthOf(random) / 20),
    () => "__proto__",
  ])();
}

/** Mostly short; rarely beyond every bound. Encoding a megabyte takes a second. */
function lengthOf(random: Random): number {
  const kind = random.next();
  if (kind < 0.9) return random.index(20) * 20;
  return kind < 0.98 ? 80_000 : random.pick([1_200_000, 2_500_000]);
}

function timeOf(random: Random): string {
  return random.pick([
    "1700000000",
    "-1",
    "NaN",
    "1e300",
    "253402300800",
    "",
    "99999999999999999999",
    "soon",
  ]);
}

function textOf(random: Random, known: Known): string {
  return random.pick<() => string>([
    () => random.pick(known.jids),
    () => random.pick(known.ids),
    () => timeOf(random),
    () => `${random.index(1e9)}:${random.index(300)}@lid`,
    () => "status@broadcast",
    () => "\u0000\ud800💥",
    () => "A".repeat(lengthOf(random) / 20),
    () => "",
  ])();
}

/** Children nested up to `depth`; sometimes very many, or one in the other. */
function contentOf(random: Random, known: Known, depth: number): BinaryNode["content"] | undefined {
  const kind = random.next();
  if (kind < 0.15) return undefined;
  if (kind < 0.3 || depth <= 0) return bytes(random, random.index(depth < 0 ? 20 : 2_000));
  if (kind < 0.33) return nested(400);
  const count = random.next() < 0.05 ? random.index(5_000) : random.index(5);
  return Array.from({ length: count }, () => {
    const tag = random.pick(childTags);
    const attrs = attrsOf(random, known, { isWhole: tag === "item" });
    if (tag === "enc") Object.assign(attrs, { type: random.pick(encTypes), v: "2" });
    if (tag === "item") return { tag, attrs: { id: idOf(random, known) } };
    const content = contentOf(random, known, count > 10 ? -1 : depth - 1);
    return content === undefined ? { tag, attrs } : { tag, attrs, content };
  });
}

function nested(levels: number): BinaryNode[] {
  let content: BinaryNode[] = [];
  for (let level = 0; level < levels; level++) content = [{ tag: "participants", attrs: {}, content }];
  return content;
}

function bytes(random: Random, length: number): Buffer {
  const pattern = Buffer.from(Array.from({ length: 16 }, () => random.index(256)));
  return Buffer.alloc(length, pattern);
}

/** A plaintext: a message, a damaged one, or no message at all. */
function sealedBytes(random: Random, known: Known): Uint8Array {
  const kind = random.next();
  if (kind < 0.1) return bytes(random, random.index(500));
  const whole = Buffer.from(proto.Message.encode(messageOf(random, known)).finish());
  if (kind < 0.3 && whole.length > 0) {
    for (let left = 1 + random.index(8); left > 0; left--)
      whole[random.index(whole.length)] = random.index(256);
  }
  const padding = random.next() < 0.9 ? 1 + random.index(16) : random.index(256);
  return Buffer.concat([whole, Buffer.alloc(padding, padding)]);
}

function messageOf(random: Random, known: Known): proto.IMessage {
  const key = (): proto.IMessageKey => ({
    remoteJid: random.pick(known.jids),
    fromMe: true,
    id: random.pick(known.ids),
  });
  const text = (): string => "x".repeat(lengthOf(random));
  return random.pick<() => proto.IMessage>([
    () => ({ conversation: text() }),
    () => ({ extendedTextMessage: { text: text(), contextInfo: quoted(random, 50) } }),
    () => ({ protocolMessage: { type: random.index(30), key: key() } }),
    () => ({
      protocolMessage: { type: 3, key: key(), historySyncNotification: { syncType: random.index(8) } },
    }),
    () => ({ reactionMessage: { key: random.next() < 0.5 ? key() : null, text: text() } }),
    () => ({ pollUpdateMessage: random.next() < 0.5 ? {} : { pollCreationMessageKey: key(), vote: {} } }),
    () => ({ encReactionMessage: { encPayload: bytes(random, 40), encIv: bytes(random, 12) } }),
    () => ({
      senderKeyDistributionMessage: {
        groupId: "1@g.us",
        axolotlSenderKeyDistributionMessage: bytes(random, 90),
      },
    }),
    () => ({
      imageMessage: {
        caption: text(),
        mimetype: text(),
        url: "http://127.0.0.1:1/",
        fileLength: random.index(1e9),
      },
    }),
    () => ({
      deviceSentMessage: { destinationJid: random.pick(known.jids), message: { conversation: text() } },
    }),
    () => ({ keepInChatMessage: { key: key() }, messageContextInfo: { messageSecret: bytes(random, 32) } }),
    () => wrapped({ conversation: "deep" }, random.pick([1, 10, 1_000])),
    () => ({}),
  ])();
}

function wrapped(message: proto.IMessage, levels: number): proto.IMessage {
  let inner = message;
  for (let level = 0; level < levels; level++) inner = { ephemeralMessage: { message: inner } };
  return inner;
}

function quoted(random: Random, levels: number): proto.IContextInfo {
  let inner: proto.IContextInfo = {
    mentionedJid: Array.from({ length: random.index(2_000) }, (_, n) => `${n}@lid`),
  };
  for (let level = random.index(levels); level > 0; level--) {
    inner = { quotedMessage: { extendedTextMessage: { text: "q", contextInfo: inner } } };
  }
  return inner;
}
