import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from "mongodb";
import type { Random } from "../chaos/random.ts";
import { notUtf8, secondChannelId, unreadableBinary, unreadableRegExp } from "../support/foreign-writer.ts";

type Make = (random: Random) => unknown;

/** Values of every BSON type, the odd ones of each among them. */
const scalars: readonly [Make, ...Make[]] = [
  () => null,
  () => undefined,
  () => true,
  (random) => random.pick([0, -0, 1, -1, 2 ** 31, 2 ** 53, 1.5, 1e308, Number.NaN, Number.POSITIVE_INFINITY]),
  (random) => new Double(random.pick([-0, Number.NaN, Number.NEGATIVE_INFINITY])),
  (random) => new Int32(random.index(1_000)),
  (random) =>
    Long.fromString(random.pick(["9007199254740993", "-9223372036854775808", "9223372036854775807", "3"])),
  (random) => Decimal128.fromString(random.pick(["NaN", "Infinity", "-0", "1E+6144", "0.1"])),
  (random) => random.pick(texts),
  (random) => "x".repeat(random.index(5_000)),
  (random) => new Date(random.pick([0, -1, 8.64e15, Number.NaN, 1e12])),
  (random) => new Timestamp({ t: random.index(2 ** 32), i: random.index(2 ** 32) }),
  () => new ObjectId(),
  (random) => new Binary(Buffer.alloc(random.index(40), 7), random.pick([0, 1, 3, 4, 5, 9, 128])),
  (random) =>
    new BSONRegExp(random.pick(["(?i)x[", "^.*$", "(a+)+$", notUtf8]), random.pick(["", "i", "im"])),
  (random) => new Code(random.pick(["function () {", notUtf8])),
  () => unreadableRegExp,
  () => unreadableBinary,
  () => new Code("x", { y: notUtf8 }),
  () => new BSONSymbol("symbol"),
  () => new DBRef("channels", new ObjectId()),
  () => new MinKey(),
  () => new MaxKey(),
];

const texts: readonly [string, ...string[]] = [
  ...([
    "",
    " ",
    notUtf8,
    `a${notUtf8}b`,
    "\u0000",
    "\u202e",
    "😀",
    "queued",
    "running",
    "unknown",
    "message.send",
  ] as const),
  ...["channel.connect", "channel.delete", "__proto__", "constructor", "$where", "1", "null", "15550100001"],
];

const keys: readonly [string, ...string[]] = [
  ...([
    "__proto__",
    "constructor",
    "toString",
    "length",
    "$ref",
    "$id",
    "$db",
    "$set",
    "a.b",
    "",
    "then",
  ] as const),
  ...[
    "_bsontype",
    "toBSON",
    "valueOf",
    "hasOwnProperty",
    "0",
    "-1",
    notUtf8,
    "text",
    "type",
    "content",
    "to",
  ],
];

const fields: readonly [string, ...string[]] = [
  ...([
    "_id",
    "channelId",
    "type",
    "lane",
    "ord",
    "state",
    "payload",
    "messageId",
    "keyId",
    "attempts",
  ] as const),
  ...[
    "claim",
    "claimableFrom",
    "notBefore",
    "expiresAt",
    "createdAt",
    "relayStartedAt",
    "relayedBy",
    "resentAt",
  ],
  ...["result", "error", "doneAt", secondChannelId],
];

/** A document as a service may insert it: a valid send with some fields replaced, or nothing that was ever valid. */
export function hostileCommand(random: Random, channelId: string): Record<string, unknown> {
  if (random.index(300) === 0)
    return { ...send(channelId), note: "x".repeat(15_000_000 + random.index(1_500_000)) };
  const base =
    random.index(5) === 0
      ? {}
      : send(random.pick<unknown>([channelId, channelId, channelId, "nowhere", [channelId]]));
  const changed: [string, unknown][] = Array.from({ length: 1 + random.index(4) }, () => {
    const field = random.index(8) === 0 ? plainKey(random) : random.pick(fields);
    return [field, value(random, 4)];
  });
  return { ...base, ...Object.fromEntries(changed) };
}

export function send(channelId: unknown, text = "Hello") {
  return { channelId, type: "message.send", payload: { to: "15550100077", content: { type: "text", text } } };
}

function value(random: Random, levels: number): unknown {
  const kind = levels === 0 ? 0 : random.index(10);
  if (kind < 6) return random.pick(scalars)(random);
  if (kind < 8) return Array.from({ length: random.index(5) }, () => value(random, levels - 1));
  if (random.index(20) === 0) return nested(100 + random.index(60));
  const entries = Array.from({ length: random.index(5) }, (): [string, unknown] => [
    plainKey(random),
    value(random, levels - 1),
  ]);
  return Object.fromEntries(entries);
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { deeper: nested(levels - 1) };
}

/** Node's driver obeys `_bsontype` and `toBSON`, so it would not write them. */
function plainKey(random: Random): string {
  const key = random.pick(keys);
  return key === "_bsontype" || key === "toBSON" ? `_${key}` : key;
}
