import type { Random } from "../chaos/random.ts";

/** The means of a hostile client: the key of a tenant of its own, and ids of channels, some of them not its own. */
export interface HostileNames {
  tenantKey: string;
  channelIds: readonly [string, ...string[]];
}

const events = [
  "authenticate",
  "subscribe_channel",
  "unsubscribe_channel",
  "error",
  "join",
  "disconnecting",
  "",
] as const;
const namespaces = ["", "/,", "/x,", "/admin,", `/${"n".repeat(2_000)},`, "/#,", "/x?a=1,"] as const;
const engineTypes = ["0", "1", "2", "3", "5", "6", "7", "b", "2probe", "5upgrade", ""] as const;

/** A packet of Engine.IO: mostly one that carries a packet of Socket.io. */
export function randomPacket(random: Random, names: HostileNames): string {
  if (random.next() < 0.1) return random.pick(engineTypes) + junk(random, 20);
  return `4${random.pick(["0", "0", "1", "2", "2", "2", "2", "3", "4", "5", "6", "9"])}${socketPacket(random, names)}`;
}

/** The join of a client, as it would be with or without the tenant's key. */
export function randomJoin(random: Random, { tenantKey }: HostileNames): string {
  return `40${random.pick(["", JSON.stringify({ apiKey: tenantKey }), JSON.stringify({ pid: junk(random, 43) })])}`;
}

function socketPacket(random: Random, names: HostileNames): string {
  const attachments = random.next() < 0.05 ? `${random.index(20)}-` : "";
  const namespace = random.next() < 0.15 ? random.pick(namespaces) : "";
  const id = random.next() < 0.5 ? String(random.index(1e9)) : "";
  return attachments + namespace + id + random.pick([request, request, request, deep, junk40])(random, names);
}

function request(random: Random, names: HostileNames): string {
  return JSON.stringify([random.pick(events), payload(random, names)]);
}

function payload(random: Random, { tenantKey, channelIds }: HostileNames): unknown {
  const channelId = random.pick(channelIds);
  return random.pick<unknown>([
    { apiKey: tenantKey },
    { apiKey: junk(random, 30) },
    { apiKey: { $ne: null } },
    { channelId },
    { channelId, after: random.index(10) },
    { channelId, after: random.pick([-1, 0, 1e308, "0", null]) },
    { channelId: { $gt: "" } },
    { channelId: junk(random, 300) },
    { channelId, __proto__: { admin: true }, constructor: 1 },
    { message: "m", name: "Error", stack: tenantKey },
    null,
  ]);
}

function deep(random: Random): string {
  const depth = random.index(3_000);
  return `["subscribe_channel",${"[".repeat(depth)}${"]".repeat(depth)}]`;
}

function junk40(random: Random): string {
  return junk(random, 40);
}

/** Text of up to `lengthMax` characters: any but those that no string may hold. */
export function junk(random: Random, lengthMax: number): string {
  const length = random.index(lengthMax + 1);
  return Array.from({ length }, () => String.fromCharCode(random.index(0x250))).join("");
}
