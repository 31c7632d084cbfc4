/** Connects a channel to WhatsApp over at most one socket: opens it, watches it, turns its events into signals, closes it. */

import { setImmediate } from "node:timers/promises";
import type { WhatsAppConfig } from "#shared/config.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { SocketConfig } from "../baileys/baileys.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import type { Inbox } from "../inbound/inbox.ts";
import { createJournalRecovery } from "../inbound/journal-recovery.ts";
import type { CloseReason } from "../machine/close-reason.ts";
import type { Signal } from "../machine/machine.ts";
import type { ChatTimers } from "../messages/chat-timers.ts";
import type { SessionScope } from "../session-scope.ts";
import type { Timings } from "../timings.ts";
import { createClosing } from "./closing.ts";
import { createCurrentSocket, type OpenSocket } from "./current-socket.ts";
import { dial } from "./dial.ts";
import { pairingCodeRequest } from "./pairing-code-request.ts";
import { createPairingCodes } from "./qr-and-pairing-codes.ts";
import { removeDevice } from "./remove-device.ts";
import { socketSignals } from "./socket-signals.ts";

/** A channel's connection to WhatsApp: at most one socket. Drops the signals of earlier sockets. */
export interface Connection {
  /** Resolves when the messages that an earlier process decrypted are in the event log, or writing them has failed. */
  recover(): Promise<void>;
  /** Starts to connect, as soon as the connector's rate allows; signals report the progress. Frames leave once `saved` resolves. */
  open(saved?: Promise<void>): void;
  /**
   * Starts to connect for an `open` that will probably come: it takes the socket over, and until then no frame leaves. Call what it
   * returns when none came: it ends the socket.
   */
  prepare(): () => void;
  /** Ends the socket politely and waits for it. Emits no signal. */
  close(): Promise<void>;
  /** Ends the socket at once. Emits no signal. */
  terminate(): void;
  /** Asks WhatsApp over the open socket to remove this device. `unlinked` follows, or `closed` for want of a confirmation. */
  unlink(): void;
  /** Asks WhatsApp for a pairing code; a signal reports what became of it. */
  requestCode(phoneNumber: string): void;
  /** The socket, once it is open. */
  current(): OpenSocket | null;
}

export interface ConnectionOptions {
  auth: AuthState;
  whatsapp: WhatsAppConfig;
  caches: SocketCaches;
  timings: Timings;
  getMessage: SocketConfig["getMessage"];
  /** Resolves when one more connection may be opened. */
  turn(): Promise<void>;
  inbox: Inbox;
  chatTimers: Pick<ChatTimers, "learnChats">;
  /** Whether a socket that logs in serves only to unlink the device. */
  mustUnlink(): boolean;
  /** Whether nothing that arrives may be kept: the account is not the one that the caller named, or the channel is deleted. */
  mustDiscard(): boolean;
  /** `isCurrent` turns false when another socket replaces the one that gave the signal. */
  signal(signal: Signal, isCurrent: () => boolean): void;
}

export function createConnection(scope: SessionScope, options: ConnectionOptions): Connection {
  const current = createCurrentSocket();
  const codes = createPairingCodes(options.timings.qrMs, scope.now);
  const journalRecovery = createJournalRecovery(scope, options);
  let isRestart = false;
  let prepared: { isCurrent(): boolean; saved: PromiseWithResolvers<void> } | null = null;

  const emit = (signal: Signal) => options.signal(signal, current.watch());
  const closed = (reason: CloseReason, code: number | null = null) => {
    const last = current.forget();
    isRestart = reason.kind === "restart_required";
    emit({ type: "closed", reason, code });
    return last;
  };
  const turn = async () => {
    // A restart is part of pairing, and the phone waits only briefly for it.
    if (!isRestart) await options.turn();
    isRestart = false;
  };
  const recover = async () => {
    if (!options.mustDiscard()) await journalRecovery.recover().catch(scope.fail);
  };
  const signalOptions = { ...options, current, codes, journalRecovery, emit, closed };
  const listener = (isCurrent: () => boolean) => socketSignals(scope, signalOptions, isCurrent);

  const start = (saved: Promise<void>, isCurrent: () => boolean, myTurn = turn) => {
    const dialling = { ...options, current, turn: myTurn, recover, listener, saved };
    dial(scope, dialling).catch((error: unknown) => {
      if (!isCurrent()) return;
      if (!(error instanceof AuthStateError)) return scope.fail(error);
      closed({ kind: "credentials_unreadable" });
    });
  };
  const closing = createClosing(current);

  return {
    ...closing,
    async close() {
      // Nothing has left yet that a goodbye could follow.
      if (prepared?.isCurrent()) closing.terminate();
      await closing.close();
    },
    recover,
    open(saved = Promise.resolve()) {
      const ahead = prepared;
      prepared = null;
      if (ahead?.isCurrent()) return ahead.saved.resolve(saved);
      current.forget()?.terminate();
      start(saved, current.watch());
    },
    prepare() {
      const ahead = { isCurrent: current.watch(), saved: Promise.withResolvers<void>() };
      ahead.saved.promise.catch(() => undefined);
      prepared = ahead;
      // Making keys and a socket takes the processor for long: what was asked of the database goes out first.
      start(ahead.saved.promise, ahead.isCurrent, () => setImmediate().then(turn));
      return () => {
        if (prepared === ahead && ahead.isCurrent()) closing.terminate();
      };
    },
    unlink() {
      const isCurrent = current.watch();
      const socket = current.held();
      // Without one, `closed` is on its way.
      if (!socket) return;
      void removeDevice(socket.wa, options.timings.unlinkAnswerMs).then((answer) => {
        if (!isCurrent()) return;
        if (answer.kind === "result") return emit({ type: "unlinked" });
        const facts = {
          answer: answer.kind,
          ...(answer.kind === "refused" && { whatsappCode: answer.code }),
        };
        scope.log.warn({ event: "unlink", ...facts }, "device not removed at WhatsApp, will be retried");
        closed({ kind: "unlink_unconfirmed" })?.terminate();
      });
    },
    requestCode: pairingCodeRequest({ ...signalOptions, log: scope.log }),
    current: current.open,
  };
}
