import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";

/** A socket that wants to be paired. */
export interface PendingPairing {
  id: string;
  /** "code" once the client asked for a pairing code for `phoneNumber`; such a socket can still be scanned. */
  kind: "qr" | "code";
  phoneNumber?: string;
  /** The whole text of the QR, if `offerQr` told; the protocol alone does not reveal it to the server. */
  qrText?: string;
  /** What the client calls itself. */
  platform: string;
  since: Date;
}

/** The sockets that wait to be paired now. */
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
