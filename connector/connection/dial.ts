import type { WhatsAppConfig } from "#shared/config.ts";
import type { SessionScope } from "../session-scope.ts";
import type { CurrentSocket } from "./current-socket.ts";
import { openSocket, type SocketListener, type SocketOptions } from "./socket.ts";

export interface DialOptions extends Omit<SocketOptions, "websocketUrl" | "version" | "listener" | "log"> {
  whatsapp: WhatsAppConfig;
  current: CurrentSocket;
  /** Resolves when one more connection may be opened. */
  turn(): Promise<void>;
  /** Resolves when the messages that an earlier socket decrypted are in the event log, or writing them has failed. */
  recover(): Promise<void>;
  /** The listener for the next socket, which is current while `isCurrent` returns true. */
  listener(isCurrent: () => boolean): SocketListener;
}

/**
 * Opens the connection's next socket in its turn, unless it is no longer wanted by then. Throws what `auth.create` does when
 * the channel needs new credentials.
 */
export async function dial(
  { isOwner, log }: Pick<SessionScope, "isOwner" | "log">,
  options: DialOptions,
): Promise<void> {
  const { auth, current, turn, recover, listener } = options;
  const isCurrent = current.watch();
  await turn();
  if (!isCurrent() || !isOwner()) return;
  // WhatsApp would take half-paired credentials for a login and refuse them for good.
  if (!auth.linked()) await auth.create();
  // The previous socket may have decrypted messages that it did not hand over.
  await recover();
  if (!isCurrent() || !isOwner()) return;
  const { server, version } = options.whatsapp;
  const websocketUrl = server?.websocketUrl ?? null;
  current.hold(openSocket({ ...options, log, websocketUrl, version, listener: listener(isCurrent) }));
}
