const waitSecondsMax = 30;

/** What `Prefer` asks about waiting. */
export interface WaitPreference {
  waitMs: number;
  /** How `Preference-Applied` says that it was followed. */
  applied: string;
}

/**
 * Reads `wait=N` (more than 30 s is taken as 30) and `respond-async` (no wait) from a `Prefer` header; with both, `wait`
 * says how long (RFC 7240 §4.3). Null when it says nothing about waiting, or nothing that can be understood.
 */
export function waitPreference(header: string | undefined): WaitPreference | null {
  const preferences = (header ?? "")
    .split(",")
    .map((preference) => preference.split(";", 1)[0]?.trim() ?? "");
  for (const preference of preferences) {
    const seconds = /^wait\s*=\s*"?(\d+)"?$/i.exec(preference)?.[1];
    if (seconds !== undefined) return waitOf(Math.min(Number(seconds), waitSecondsMax));
  }
  const isAsync = preferences.some((preference) => /^respond-async$/i.test(preference));
  return isAsync ? { waitMs: 0, applied: "respond-async" } : null;
}

function waitOf(seconds: number): WaitPreference {
  return { waitMs: seconds * 1_000, applied: `wait=${seconds}` };
}
