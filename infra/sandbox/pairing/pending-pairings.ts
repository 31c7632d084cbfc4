import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";

/** A socket that is waiting to be paired. */
export interface PendingPairing {
  id: string;
  /** "code" once the client has requested a pairing code for `phoneNumber`; its QR can still be scanned. */
  kind: "qr" | "code";
  phoneNumber?: string;
  /** The whole text of the QR, if `offerQr` supplied it; the protocol does not reveal it to the server. */
  qrText?: string;
  /** The client's name for itself. */
  platform: string;
  since: Date;
}

/** The sockets that are waiting to be paired. */
export const pendingPairings = (network: Network): PendingPairing[] =>
  [...network.connections].flatMap(pendingPairing);

function pendingPairing({ id, since, pairingAttempt }: Connection): PendingPairing[] {
  if (!pairingAttempt) return [];
  const { code, qrText, platform } = pairingAttempt;
  return [
    {
      id,
      kind: code ? "code" : "qr",
      ...(code ? { phoneNumber: code.phoneNumber } : {}),
      ...(qrText === null ? {} : { qrText }),
      platform,
      since,
    },
  ];
}
