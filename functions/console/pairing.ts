import type { LiveEventData } from "#shared/events.ts";

export type QrPairing = { kind: "qr" } & LiveEventData["qr_code"];
export type CodePairing = { kind: "code" } & LiveEventData["pairing_code"];

/** What a phone has to scan, or its owner to type. */
export type Pairing = QrPairing | CodePairing;
