import { type AuthenticationCreds, BufferJSON, proto } from "../baileys/baileys.ts";
import type { KeyType, StoredTypes } from "./row-order.ts";
import { pruneSession } from "./signal-session-pruning.ts";

/**
 * The stored text of a value. Bytes stay bytes; a session loses its oldest closed states. libsignal keeps the bytes of a
 * session in base64, so that no value of it needs a look: 8 µs instead of 48.
 */
export function encodeValue<T extends KeyType>(type: T, value: StoredTypes[T]): string {
  if (type !== "session") return JSON.stringify(value, BufferJSON.replacer);
  const session = pruneSession(value);
  const text = JSON.stringify(session);
  return mayHoldBytes(text) ? JSON.stringify(session, BufferJSON.replacer) : text;
}

export function decodeValue<T extends KeyType>(type: T, text: string): StoredTypes[T] {
  const value = parse(text);
  // Baileys needs a protobuf object here.
  const typed =
    type === "app-state-sync-key" ? proto.Message.AppStateSyncKeyData.fromObject(Object(value)) : value;
  return typed as StoredTypes[T];
}

/** Credentials and the server they belong to. */
export interface StoredCreds {
  server: string;
  creds: AuthenticationCreds;
}

export function encodeCreds(stored: StoredCreds): string {
  return JSON.stringify(stored, BufferJSON.replacer);
}

export function decodeCreds(text: string): StoredCreds {
  const { server, creds } = parse(text) as StoredCreds;
  if (creds.account) creds.account = proto.ADVSignedDeviceIdentity.fromObject(creds.account);
  return { server, creds };
}

/**
 * Not `BufferJSON.reviver`, which also turns every object of numbers with number-like keys into bytes. A text without bytes
 * takes a quarter of the time without a reviver.
 */
function parse(text: string): unknown {
  if (!mayHoldBytes(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown) =>
    isTaggedBytes(value) ? Buffer.from(value.data, "base64") : value,
  );
}

/** Whether a text that `JSON.stringify` made may hold the tag of bytes. */
function mayHoldBytes(text: string): boolean {
  return text.includes('"Buffer"');
}

function isTaggedBytes(value: unknown): value is { data: string } {
  if (typeof value !== "object" || value === null || !("type" in value) || !("data" in value)) return false;
  return value.type === "Buffer" && typeof value.data === "string";
}
