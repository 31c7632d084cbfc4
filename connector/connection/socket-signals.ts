import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { Inbox } from "../inbound/inbox.ts";
import type { JournalRecovery } from "../inbound/journal-recovery.ts";
import { type CloseReason, closeReason } from "../machine/close-reason.ts";
import type { Signal } from "../machine/machine.ts";
import type { Timings } from "../timings.ts";
import type { CurrentSocket } from "./current-socket.ts";
import type { PairingCodes } from "./pairing-codes.ts";
import { rotateSignedPreKeys } from "./signed-pre-key-rotation.ts";
import type { ChannelSocket, SocketListener } from "./socket.ts";

export interface SocketSignalsOptions {
  auth: AuthState;
  timings: Timings;
  inbox: Inbox;
  current: CurrentSocket;
  codes: PairingCodes;
  journalRecovery: Pick<JournalRecovery, "handOver">;
  isOwner(): boolean;
  /** Whether the linked account is another than the caller named. */
  isWrongAccount(): boolean;
  emit(signal: Signal): void;
  /** Makes the socket a former one, says so, and gives it back to be ended. */
  closed(reason: CloseReason, code?: number | null): ChannelSocket | null;
  onError(error: unknown): void;
  log: Logger;
}

/** Makes signals of what one socket tells. Once `isCurrent` is false that is dropped, but for what was received. */
export function socketSignals(options: SocketSignalsOptions, isCurrent: () => boolean): SocketListener {
  const { auth, inbox, current, codes, emit, closed } = options;
  const ifCurrent =
    <P extends unknown[]>(work: (...parts: P) => void) =>
    (...parts: P) => {
      if (isCurrent()) work(...parts);
    };
  let isStrangers = false;

  return {
    qr: ifCurrent((text, attempt) => emit({ type: "qr", code: codes.qr(text, attempt) })),
    loggedIn: ifCurrent(() => {
      isStrangers = options.isWrongAccount();
      if (isStrangers) opened(options);
    }),
    opened: ifCurrent(() => {
      opened(options);
      const open = current.open();
      if (open) rotateSignedPreKeys({ ...options, ...open });
    }),
    closed: ifCurrent((closure) => {
      const reason = closeReason({ ...closure, isLinked: auth.linked(), isLeaseMine: options.isOwner() });
      closed(reason, closure.code);
    }),
    passkeyRequired: ifCurrent(() => closed({ kind: "passkey_required" })?.terminate()),
    stalled: ifCurrent((stage) => {
      // The log is the session's, not the socket's: another socket would find it as it is.
      if (stage === "log") options.onError(new Error(`Nothing passes: ${stage}`));
    }),
    allPublished: () => inbox.idle(),
    // What was received counts, whichever socket it came over; but nothing of an account that is none of ours.
    received: (batch) => (isStrangers ? new Promise(() => undefined) : inbox.received(batch)),
    updated: (updates) => {
      if (!isStrangers) inbox.updated(updates);
    },
  };
}

function opened({ current, journalRecovery, emit }: SocketSignalsOptions): void {
  current.markOpen();
  const socket = current.held();
  if (socket) journalRecovery.handOver(socket.wa);
  emit({ type: "opened" });
}
