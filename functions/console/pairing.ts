import type { LiveEventData } from "#shared/events.ts";

export type QrPairing = { kind: "qr" } & LiveEventData["qr_code"];
export type CodePairing = { kind: "code" } & LiveEventData["pairing_code"];

/** The QR to scan or the code to enter on the phone. */
export type Pairing = QrPairing | CodePairing;
