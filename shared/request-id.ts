const wellFormed = /^[A-Za-z0-9._-]{1,128}$/;

/** Returns the caller's own request id if it is well-formed, otherwise a new UUID. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === "string" && wellFormed.test(given) ? given : crypto.randomUUID();
}
