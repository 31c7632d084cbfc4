import type { PairingCode } from "../machine/machine.ts";

/** Makes the QR and pairing codes that a person links with, with their expiry. */
export interface PairingCodes {
  /** From the raw text of a QR; `attempt` counts from 1. */
  qr(text: string, attempt: number): PairingCode;
  /** From a code to type, which works as long as WhatsApp gives QRs. */
  typed(text: string): PairingCode;
}

/** WhatsApp gives six QR codes: the first is valid for 60 s, the others for 20 s each. */
const codes = { count: 6, firstMs: 60_000, nextMs: 20_000 };

/**
 * `qrMs`: how long each QR is valid; null for WhatsApp's own durations. `now`: the database's time, which decides whether a
 * code has expired.
 */
export function createPairingCodes(qrMs: number | null, now: () => number): PairingCodes {
  let until = 0;
  const validMs = (attempt: number) => qrMs ?? (attempt === 1 ? codes.firstMs : codes.nextMs);

  return {
    qr(text, attempt) {
      if (attempt === 1) until = now() + validMs(1) + (codes.count - 1) * validMs(2);
      return { kind: "qr", text, attempt, of: codes.count, expiresAt: now() + validMs(attempt) };
    },
    typed: (text) => ({ kind: "code", text, attempt: 1, of: 1, expiresAt: until }),
  };
}
