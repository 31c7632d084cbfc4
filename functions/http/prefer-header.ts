const waitSecondsMax = 30;

/** How long `Prefer` asks the answer to wait. */
export interface WaitPreference {
  waitMs: number;
  /** The value of `Preference-Applied` when the preference is honoured. */
  applied: string;
}

/**
 * Parses `wait=N` (capped at 30 s) and `respond-async` (no wait) in a `Prefer` header; with both, `wait` decides
 * (RFC 7240 §4.3). Null when the header has neither, or only malformed ones.
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
