import { toDataURL } from "qrcode";
import type { Account, LinkedDevice, ReceivedMessage } from "../account.ts";
import type { PendingPairing } from "../pairing/pending-pairings.ts";

/** A waiting socket; `qrImage` is a data URL if the text of its QR is known. */
export async function pairingView(pairing: PendingPairing) {
  const { since, qrText = null, phoneNumber = null, ...rest } = pairing;
  const qrImage = qrText === null ? null : await toDataURL(qrText, { margin: 2, errorCorrectionLevel: "L" });
  return { ...rest, phoneNumber, qrText, qrImage, since: since.toISOString() };
}

export function accountView(account: Account) {
  return {
    phoneNumber: account.phoneNumber,
    lid: account.lid,
    pushName: account.pushName,
    receiptPolicy: account.receiptPolicy,
    devices: account.devices().map(deviceView),
    received: account.inbox.length,
  };
}

export function deviceView(device: LinkedDevice) {
  return { ...device, linkedAt: device.linkedAt.toISOString() };
}

/** A message without the bytes of its media, which have a URL of their own. */
export function messageView(owner: string, message: ReceivedMessage) {
  const { media, mediaError = null, text = null, at, message: _content, ...rest } = message;
  return {
    ...rest,
    text,
    at: at.toISOString(),
    media: media
      ? {
          kind: media.kind,
          mimetype: media.mimetype,
          fileName: media.fileName ?? null,
          bytes: media.bytes.length,
          path: `/api/accounts/${owner}/inbox/${encodeURIComponent(message.id)}/media`,
        }
      : null,
    mediaError,
  };
}
