/** A field of what came as JSON; undefined when there is none, or nothing that has fields. */
export function jsonField(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** A field that is text, or null. */
export function textField(value: unknown, name: string): string | null {
  const text = jsonField(value, name);
  return typeof text === "string" ? text : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
