import type { ChannelStatus } from "#shared/channel.ts";
import { secondsUntil } from "./countdown.ts";

/** The actions offered for a channel. */
export interface Offer {
  /** `asked`: only after a person has confirmed that it is wise. */
  connect: "main" | "asked" | null;
  code: boolean;
  /** The label of the button that disconnects. */
  stop: string | null;
  logout: boolean;
}

const offers: Record<ChannelStatus, Offer> = {
  inactive: { connect: "main", code: true, stop: null, logout: true },
  connecting: { connect: null, code: false, stop: "Stop", logout: false },
  qr_ready: { connect: null, code: true, stop: "Cancel", logout: false },
  pairing_code_ready: { connect: null, code: false, stop: "Cancel", logout: false },
  active: { connect: null, code: false, stop: "Disconnect", logout: true },
  error: { connect: "main", code: true, stop: null, logout: true },
  logged_out: { connect: "main", code: true, stop: null, logout: false },
};

interface OfferedChannel {
  status: ChannelStatus;
  reason: string | null;
  retryAt: string | null;
}

/** Offers what can help in the channel's status. A blocked account is not offered what makes it worse. */
export function offerOf({ status, reason, retryAt }: OfferedChannel, now: number): Offer {
  const offer = offers[status];
  if (status === "connecting" && reason === "unlinking") return { ...offer, stop: null };
  const isBlocked = reason === "banned" || (reason === "temporarily_banned" && !isOver(retryAt, now));
  return status === "error" && isBlocked ? { ...offer, connect: "asked", code: false } : offer;
}

function isOver(retryAt: string | null, now: number): boolean {
  return retryAt !== null && secondsUntil(retryAt, now) === 0;
}
