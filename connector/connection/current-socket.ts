import { normaliseJid } from "#shared/jid.ts";
import type { WASocket } from "../baileys/baileys.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import type { ChannelSocket } from "./socket.ts";

/** A socket that is open, until it is gone. */
export interface OpenSocket {
  wa: WASocket;
  gone: AbortSignal;
}

/** The JID of the account that a socket sends from. */
export function accountOf({ wa }: OpenSocket): string {
  return normaliseJid(wa.user?.id) ?? "";
}

/** The one socket that a connection has, if any. */
export interface CurrentSocket {
  /** Returns a check that holds until the next `forget`. */
  watch(): () => boolean;
  hold(socket: ChannelSocket): void;
  /** Null between `forget` and `hold`. */
  held(): ChannelSocket | null;
  markOpen(): void;
  /** The socket, once it is open. */
  open(): OpenSocket | null;
  /** Drops the socket, and returns it for the caller to end. */
  forget(): ChannelSocket | null;
}

export function createCurrentSocket(): CurrentSocket {
  let generation = 0;
  let socket: ChannelSocket | null = null;
  let isOpen = false;
  let gone = new AbortController();

  return {
    watch() {
      const mine = generation;
      return () => mine === generation;
    },
    hold(next) {
      socket = next;
    },
    held: () => socket,
    markOpen() {
      isOpen = true;
    },
    open: () => (isOpen && socket ? { wa: socket.wa, gone: gone.signal } : null),
    forget() {
      generation++;
      isOpen = false;
      gone.abort(new SocketGoneError("The socket is gone"));
      gone = new AbortController();
      const last = socket;
      socket = null;
      return last;
    },
  };
}
