import type { AuthState } from "../auth/auth-state.ts";
import { isFirstLoginDue } from "../auth/first-login.ts";
import type { Inbox } from "../inbound/inbox.ts";
import type { JournalRecovery } from "../inbound/journal-recovery.ts";
import { type CloseReason, closeReason } from "../machine/close-reason.ts";
import type { Signal } from "../machine/machine.ts";
import type { ChatTimers } from "../messages/chat-timers.ts";
import type { SessionScope } from "../session-scope.ts";
import type { Timings } from "../timings.ts";
import type { CurrentSocket } from "./current-socket.ts";
import type { PairingCodes } from "./qr-and-pairing-codes.ts";
import { rotateSignedPreKeys } from "./signed-pre-key-rotation.ts";
import type { ChannelSocket, SocketListener } from "./socket.ts";

export interface SocketSignalsOptions {
  auth: AuthState;
  timings: Timings;
  inbox: Inbox;
  chatTimers: Pick<ChatTimers, "learnChats">;
  current: CurrentSocket;
  codes: PairingCodes;
  journalRecovery: Pick<JournalRecovery, "handOver">;
  /** Whether a socket that logs in serves only to unlink the device. */
  mustUnlink(): boolean;
  /** Whether nothing that arrives may be kept: the account is not the one that the caller named, or the channel is deleted. */
  mustDiscard(): boolean;
  emit(signal: Signal): void;
  /** Forgets the current socket, emits `closed`, and returns the socket for the caller to end. */
  closed(reason: CloseReason, code?: number | null): ChannelSocket | null;
}

/**
 * Turns the events of one socket into signals. Once `isCurrent` returns false it drops them, but never a message that was
 * received.
 */
export function socketSignals(
  scope: SessionScope,
  options: SocketSignalsOptions,
  isCurrent: () => boolean,
): SocketListener {
  const { auth, inbox, chatTimers, current, codes, emit, closed } = options;
  const ifCurrent =
    <P extends unknown[]>(work: (...parts: P) => void) =>
    (...parts: P) => {
      if (isCurrent()) work(...parts);
    };
  let isDiscarding = false;
  let hasOpened = false;
  /** Stays true for this socket: an account that is unlinked is forgotten before its last message arrives. */
  const discards = () => {
    isDiscarding ||= options.mustDiscard();
    return isDiscarding;
  };
  const open = () => {
    hasOpened = true;
    opened(options);
  };

  return {
    qr: ifCurrent((text, attempt) => emit({ type: "qr", code: codes.qr(text, attempt) })),
    paired: ifCurrent(() => emit({ type: "paired" })),
    loggedIn: ifCurrent(() => {
      if (discards() || options.mustUnlink()) open();
    }),
    opened: ifCurrent(() => {
      if (hasOpened) return;
      open();
      const socket = current.open();
      if (socket) rotateSignedPreKeys({ ...options, now: scope.now, ...socket, log: scope.log });
    }),
    closed: ifCurrent((closure) => {
      const isLinked = auth.linked();
      const hasLoggedIn = isLinked && !isFirstLoginDue(auth.state.creds);
      const reason = closeReason({ ...closure, isLinked, hasLoggedIn, isLeaseMine: scope.isOwner() });
      closed(reason, closure.code);
    }),
    passkeyRequired: ifCurrent(() => closed({ kind: "passkey_required" })?.terminate()),
    stalled: ifCurrent((stage) => {
      // The log belongs to the session, not to the socket: a new socket would not help.
      if (stage === "log") scope.fail(new Error(`Stalled: ${stage}`));
    }),
    allPublished: () => inbox.idle(),
    // A message counts whichever socket delivered it.
    received: (batch) => (discards() ? new Promise(() => undefined) : inbox.received(batch)),
    updated: (updates) => {
      if (!discards()) inbox.updated(updates);
    },
    chats: (chats) => {
      if (!discards()) chatTimers.learnChats(chats).catch(scope.fail);
    },
  };
}

function opened({ current, journalRecovery, emit }: SocketSignalsOptions): void {
  current.markOpen();
  const socket = current.held();
  if (socket) journalRecovery.handOver(socket.wa);
  emit({ type: "opened" });
}
