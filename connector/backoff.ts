import type { Backoff } from "../shared/backoff.ts";

/** WhatsApp connections: 1 s, doubled up to 5 minutes. */
export const connectBackoff: Backoff = { baseMs: 1_000, maxMs: 300_000 };
