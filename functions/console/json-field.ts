/** A field of a parsed JSON value; undefined if it is missing or the value is not an object. */
export function jsonField(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** A string field of a parsed JSON value, otherwise null. */
export function textField(value: unknown, name: string): string | null {
  const text = jsonField(value, name);
  return typeof text === "string" ? text : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
