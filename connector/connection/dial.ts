import type { WhatsAppConfig } from "#shared/config.ts";
import type { CurrentSocket } from "./current-socket.ts";
import { openSocket, type SocketListener, type SocketOptions } from "./socket.ts";

export interface DialOptions extends Omit<SocketOptions, "websocketUrl" | "version" | "listener"> {
  whatsapp: WhatsAppConfig;
  current: CurrentSocket;
  /** Resolves when one more connection may be opened. */
  turn(): Promise<void>;
  /** Resolves when messages that a former socket decrypted are in the event log, or cannot be put there. */
  recover(): Promise<void>;
  isOwner(): boolean;
  /** Of the next socket, which is current as long as `isCurrent` says so. */
  listener(isCurrent: () => boolean): SocketListener;
}

/**
 * Opens a line's next socket in its turn, unless it is not wanted any more by then. Throws what `auth` does when there
 * have to be new credentials.
 */
export async function dial(options: DialOptions): Promise<void> {
  const { auth, current, turn, recover, isOwner, listener } = options;
  const isCurrent = current.watch();
  await turn();
  if (!isCurrent() || !isOwner()) return;
  // Half-paired credentials would be taken for a login, and refused for good.
  if (!auth.linked()) await auth.create();
  // What the socket before this one decrypted last may not have been handed over.
  await recover();
  if (!isCurrent() || !isOwner()) return;
  const { server, version } = options.whatsapp;
  const websocketUrl = server?.websocketUrl ?? null;
  current.hold(openSocket({ ...options, websocketUrl, version, listener: listener(isCurrent) }));
}
