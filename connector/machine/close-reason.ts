/** Why a session ended, in our words. Past this file nobody knows Baileys' numbers. */
export type CloseReason =
  | { kind: "restart_required" }
  | { kind: "unlinked" }
  | { kind: "unpaired" }
  | { kind: "replaced" }
  | { kind: "lease_lost" }
  | { kind: "qr_expired" }
  | { kind: "connection_lost" }
  | { kind: "server_unavailable" }
  | { kind: "rate_limited"; retryAfterMs: number }
  | { kind: "client_outdated" }
  | { kind: "banned" }
  | { kind: "temporarily_banned"; forMs: number | null }
  | { kind: "pairing_failed" }
  | { kind: "passkey_required" }
  | { kind: "credentials_unreadable" };

/** What is known when a socket ends. */
export interface Closure {
  /** Baileys' status code; null when the error carries none. */
  code: number | null;
  message: string;
  /** Whether the server was reached at all: its websocket had opened. */
  isReached: boolean;
  /** Whether the device is linked: an account and its signature are in the credentials. */
  isLinked: boolean;
  /** Whether this connector still owns the channel. */
  isLeaseMine: boolean;
  /** What WhatsApp asked us to wait, or how long a ban lasts. */
  retryAfterMs: number | null;
}

const quarterHourMs = 15 * 60_000;
/** The longest that a number of the server's is believed. */
const dayMs = 24 * 60 * 60_000;

/**
 * Baileys' numbers, one by one. 500 is what Baileys says for everything it does not know, so it never means more than
 * "try again"; 408 is both a network that went away and QR codes that nobody scanned.
 */
export function closeReason(closure: Closure): CloseReason {
  if (!closure.isLeaseMine) return { kind: "lease_lost" };
  return byCode[closure.code ?? -1]?.(closure) ?? lost(closure);
}

/** A server that was never there cannot be said to have been lost. */
function lost({ code, isReached }: Closure): CloseReason {
  return { kind: code === 500 || !isReached ? "server_unavailable" : "connection_lost" };
}

function codesRanOut({ isLinked }: Closure): CloseReason {
  return { kind: isLinked ? "restart_required" : "qr_expired" };
}

const byCode: Record<number, (closure: Closure) => CloseReason> = {
  401: ({ isLinked }) => ({ kind: isLinked ? "unlinked" : "unpaired" }),
  402: ({ retryAfterMs }) => ({ kind: "temporarily_banned", forMs: retryAfterMs }),
  403: () => ({ kind: "banned" }),
  405: () => ({ kind: "client_outdated" }),
  406: () => ({ kind: "banned" }),
  // The last QR can run out just after the phone has scanned it.
  408: (closure) => (closure.message.startsWith("QR refs") ? codesRanOut(closure) : lost(closure)),
  409: () => ({ kind: "client_outdated" }),
  411: () => ({ kind: "pairing_failed" }),
  415: () => ({ kind: "client_outdated" }),
  418: () => ({ kind: "client_outdated" }),
  429: ({ retryAfterMs }) => ({
    kind: "rate_limited",
    retryAfterMs: Math.min(retryAfterMs ?? quarterHourMs, dayMs),
  }),
  440: () => ({ kind: "replaced" }),
  501: () => ({ kind: "server_unavailable" }),
  503: () => ({ kind: "server_unavailable" }),
  515: () => ({ kind: "restart_required" }),
};
