import type { ShownPairing } from "#shared/changes.ts";
import type { ChannelDocument, EventDocument } from "#shared/collections.ts";
import type { EventData, LiveEventData } from "#shared/events.ts";
import type { Notice } from "./notice.ts";

/** The fields of a channel that the gateway reads, and when it read them; `pairing` only while it can be used. */
export type PresentChannel = ShownPairing &
  Pick<ChannelDocument, "status" | "reason" | "retryAt" | "lastDisconnect" | "lastStatusUpdate">;

/**
 * The current status. The owner writes a channel's document before its log, so the document counts, unless a status was
 * broadcast after the document was asked for: `logged`. Otherwise a socket that subscribes between the two would keep an old
 * status until the next change. No dates are compared: two owners may have written them.
 */
export function statusNotice(channel: PresentChannel, logged: EventDocument | null): Notice {
  const data = logged ? logged.data : channelStatus(channel);
  const timestamp = (logged ? logged.timestamp : channel.lastStatusUpdate).toISOString();
  return {
    audience: "status",
    name: "connection_update",
    payload: { ...data, channelId: channel.channelId, timestamp },
  };
}

/** The QR or pairing code that can be used; null if there is none. */
export function pairingNotice(channel: ShownPairing): Notice | null {
  const usable = usablePairing(channel);
  if (!usable) return null;
  const payload = { ...usable.data, channelId: channel.channelId, timestamp: channel.now.toISOString() };
  return { audience: "pairing", name: usable.name, payload };
}

type UsablePairing = {
  [N in keyof LiveEventData]: { name: N; data: LiveEventData[N] };
}[keyof LiveEventData];

function usablePairing({ pairing, config }: ShownPairing): UsablePairing | null {
  if (!pairing) return null;
  const { attempt, of } = pairing;
  const expiresAt = pairing.expiresAt.toISOString();
  if (pairing.kind === "code") return { name: "pairing_code", data: { code: pairing.text, expiresAt } };
  return config.qrCode ? { name: "qr_code", data: { qrCode: config.qrCode, attempt, of, expiresAt } } : null;
}

function channelStatus(channel: PresentChannel): EventData["connection_update"] {
  const { status, reason, retryAt, lastDisconnect } = channel;
  return {
    status,
    ...(reason && { reason }),
    ...(retryAt && { retryAt: retryAt.toISOString() }),
    ...(lastDisconnect && { lastDisconnect }),
  };
}
