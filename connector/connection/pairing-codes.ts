import type { PairingCode } from "../machine/machine.ts";

/** What a person pairs with, and until when it works. */
export interface PairingCodes {
  /** A QR that WhatsApp gave; `attempt` counts from 1. */
  qr(text: string, attempt: number): PairingCode;
  /** A code to be typed: it works as long as QRs are given. */
  typed(text: string): PairingCode;
}

/** WhatsApp gives six QR codes: the first lives 60 s, the others 20 s. */
const codes = { count: 6, firstMs: 60_000, nextMs: 20_000 };

/** `qrMs`: how long every QR lives; null for as long as WhatsApp's do. */
export function createPairingCodes(qrMs: number | null): PairingCodes {
  let until = 0;
  const livesMs = (attempt: number) => qrMs ?? (attempt === 1 ? codes.firstMs : codes.nextMs);

  return {
    qr(text, attempt) {
      if (attempt === 1) until = Date.now() + livesMs(1) + (codes.count - 1) * livesMs(2);
      return { kind: "qr", text, attempt, of: codes.count, expiresAt: Date.now() + livesMs(attempt) };
    },
    typed: (text) => ({ kind: "code", text, attempt: 1, of: 1, expiresAt: until }),
  };
}
