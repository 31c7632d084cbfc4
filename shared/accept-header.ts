import Negotiator from "negotiator";

/**
 * Returns the offered type that an `Accept` header prefers (RFC 9110 §12.5.1), or null when it accepts none. Without a
 * header the first is chosen.
 */
export function preferredType<T extends string>(accept: string | undefined, offered: readonly T[]): T | null {
  const preferred = negotiator(accept).mediaType(offered);
  return offered.find((type) => type === preferred) ?? null;
}

/** Whether the header accepts a type by its name, not by a wildcard. */
export function namesType(accept: string | undefined, type: string): boolean {
  return negotiator(accept).mediaTypes().includes(type);
}

/** `image/png;charset=x` asks for a PNG too: our types have no parameters that could differ. */
const parameters = /;(?!\s*q\s*=)[^,;]*/g;

function negotiator(accept: string | undefined): Negotiator {
  return new Negotiator({ headers: { accept: accept?.toLowerCase().replace(parameters, "") } });
}
