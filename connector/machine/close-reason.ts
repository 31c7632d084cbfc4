/** Why a socket ended, in our words. No other file knows Baileys' numbers. */
export type CloseReason =
  | { kind: "restart_required" }
  | { kind: "unlinked" }
  /** WhatsApp did not answer the request to remove the device, or refused it. */
  | { kind: "unlink_unconfirmed" }
  | { kind: "unpaired" }
  /** The login of a device that has never logged in: WhatsApp may not have received the confirmation of the link. */
  | { kind: "link_refused" }
  | { kind: "replaced" }
  | { kind: "lease_lost" }
  | { kind: "qr_expired" }
  | { kind: "connection_lost" }
  | { kind: "server_unavailable" }
  | { kind: "server_untrusted" }
  | { kind: "rate_limited"; retryAfterMs: number }
  | { kind: "client_outdated" }
  | { kind: "banned" }
  | { kind: "temporarily_banned"; forMs: number | null }
  | { kind: "pairing_failed" }
  | { kind: "passkey_required" }
  | { kind: "credentials_unreadable" };

/** The facts known when a socket ends. */
export interface Closure {
  /** Baileys' status code; null when the error carries none. */
  code: number | null;
  message: string;
  /** Whether the server was reached: its websocket had opened. */
  isReached: boolean;
  /** Whether the device is linked: the credentials hold an account and its signature. */
  isLinked: boolean;
  /** Whether WhatsApp said that the device is linked no more: it removed the device, or refused the login for that. */
  isDeviceGone: boolean;
  /** Whether WhatsApp has ever accepted a login of the device. */
  hasLoggedIn: boolean;
  /** Whether this connector still owns the channel. */
  isLeaseMine: boolean;
  /** The wait WhatsApp asked for, or how long a ban lasts. */
  retryAfterMs: number | null;
}

const quarterHourMs = 15 * 60_000;
/** The longest wait accepted from the server. */
const dayMs = 24 * 60 * 60_000;
/** The longest ban that is shown with its end; an absurd one would not even make a date. */
const yearMs = 365 * dayMs;

/**
 * Translates Baileys' status codes. Baileys uses 500 for everything it does not know, so 500 never means more than
 * "try again"; 408 stands for a lost network as well as for QR codes that expired unscanned.
 */
export function closeReason(closure: Closure): CloseReason {
  if (!closure.isLeaseMine) return { kind: "lease_lost" };
  return byCode[closure.code ?? -1]?.(closure) ?? lost(closure);
}

/** A server that was never reached counts as unavailable, not as lost. */
function lost({ code, isReached }: Closure): CloseReason {
  return { kind: code === 500 || !isReached ? "server_unavailable" : "connection_lost" };
}

/** Other errors with this code say nothing of the device: the next login will. */
function unauthorized(closure: Closure): CloseReason {
  if (!closure.isLinked) return { kind: "unpaired" };
  if (!closure.isDeviceGone) return lost(closure);
  return { kind: closure.hasLoggedIn ? "unlinked" : "link_refused" };
}

function qrCodesExpired({ isLinked }: Closure): CloseReason {
  return { kind: isLinked ? "restart_required" : "qr_expired" };
}

const byCode: Record<number, (closure: Closure) => CloseReason> = {
  401: unauthorized,
  402: ({ retryAfterMs }) => ({
    kind: "temporarily_banned",
    forMs: retryAfterMs === null ? null : Math.min(retryAfterMs, yearMs),
  }),
  403: () => ({ kind: "banned" }),
  405: () => ({ kind: "client_outdated" }),
  406: () => ({ kind: "banned" }),
  // The last QR code can expire just after the phone has scanned it.
  408: (closure) => (closure.message.startsWith("QR refs") ? qrCodesExpired(closure) : lost(closure)),
  409: () => ({ kind: "client_outdated" }),
  411: () => ({ kind: "pairing_failed" }),
  415: () => ({ kind: "client_outdated" }),
  418: () => ({ kind: "client_outdated" }),
  429: ({ retryAfterMs }) => ({
    kind: "rate_limited",
    retryAfterMs: Math.min(retryAfterMs ?? quarterHourMs, dayMs),
  }),
  440: () => ({ kind: "replaced" }),
  495: () => ({ kind: "server_untrusted" }),
  // A phone that links could not prove that it is the one that scanned.
  500: (closure) => (/account signature/.test(closure.message) ? { kind: "pairing_failed" } : lost(closure)),
  501: () => ({ kind: "server_unavailable" }),
  503: () => ({ kind: "server_unavailable" }),
  515: () => ({ kind: "restart_required" }),
};
