/**
 * Turns Buffers and typed arrays, at any depth, into plain JSON values: bytes become `{"$bytes": "<base64>"}`, and come
 * back as Buffers. A property whose own name begins with `$` gets one more, so that nothing else is mistaken for bytes.
 * Functions and `undefined` are left out.
 */
export function encodeState(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(encodeState);
  if (typeof value === "bigint") throw new TypeError("saved state cannot contain a bigint");
  if (value instanceof Map || value instanceof Set)
    throw new TypeError("saved state cannot contain a Map or Set");
  return isRecord(value)
    ? mapped(value, (key) => (key.startsWith("$") ? `$${key}` : key), encodeState)
    : value;
}

/** The inverse of `encodeState`. */
export function decodeState(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeState);
  if (!isRecord(value)) return value;
  if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "base64");
  return mapped(value, (key) => (key.startsWith("$$") ? key.slice(1) : key), decodeState);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** `fromEntries` defines properties rather than assigning them, so a key named `__proto__` stays a key. */
const mapped = (
  record: Record<string, unknown>,
  key: (key: string) => string,
  value: (value: unknown) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, child]) => [key(name), value(child)]));
