import type { WhatsAppConfig } from "#shared/config.ts";
import type { Logger } from "#shared/log.ts";
import { AuthStateError } from "../auth/auth-error.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { SocketConfig } from "../baileys/baileys.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import type { Inbox } from "../inbound/inbox.ts";
import { createJournalRecovery } from "../inbound/journal-recovery.ts";
import type { CloseReason } from "../machine/close-reason.ts";
import type { Signal } from "../machine/machine.ts";
import type { Timings } from "../timings.ts";
import { createClosing } from "./closing.ts";
import { createCurrentSocket, type OpenSocket } from "./current-socket.ts";
import { dial } from "./dial.ts";
import { createPairingCodes } from "./pairing-codes.ts";
import { socketSignals } from "./socket-signals.ts";

/** A channel's connection to WhatsApp: at most one socket. What an older socket still says is dropped. */
export interface Connection {
  /** Resolves when messages that a former process decrypted are in the event log, or cannot be put there. */
  recover(): Promise<void>;
  /** Starts to connect, when the connector's rate allows; signals tell how it goes. */
  open(): void;
  /** Ends politely and waits for it; no signal comes. */
  close(): Promise<void>;
  /** Ends at once; no signal comes. */
  terminate(): void;
  /** Removes this device at WhatsApp, as far as the socket still carries it, and closes. */
  unlink(): Promise<void>;
  requestCode(phoneNumber: string): void;
  /** The socket, from when it is open. */
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
  /** Aborts when the session has ended. */
  ended: AbortSignal;
  isOwner(): boolean;
  /** Whether the linked account is another than the caller named. */
  isWrongAccount(): boolean;
  /** `isCurrent` turns false when the socket that gave the signal is a former one. */
  signal(signal: Signal, isCurrent: () => boolean): void;
  onError(error: unknown): void;
  log: Logger;
}

export function createConnection(options: ConnectionOptions): Connection {
  const current = createCurrentSocket();
  const codes = createPairingCodes(options.timings.qrMs);
  const journalRecovery = createJournalRecovery(options);
  let isRestart = false;

  const emit = (signal: Signal) => options.signal(signal, current.watch());
  const closed = (reason: CloseReason, code: number | null = null) => {
    const last = current.forget();
    isRestart = reason.kind === "restart_required";
    emit({ type: "closed", reason, code });
    return last;
  };
  const turn = async () => {
    // The phone waits for a pairing's restart, and not for long.
    if (!isRestart) await options.turn();
    isRestart = false;
  };
  const recover = async () => {
    if (!options.isWrongAccount()) await journalRecovery.recover().catch(options.onError);
  };
  const listening = { ...options, current, codes, journalRecovery, emit, closed };
  const listener = (isCurrent: () => boolean) => socketSignals(listening, isCurrent);

  return {
    ...createClosing(current, options.log),
    recover,
    open() {
      current.forget()?.terminate();
      const isCurrent = current.watch();
      dial({ ...options, current, turn, recover, listener }).catch((error: unknown) => {
        if (!isCurrent()) return;
        if (!(error instanceof AuthStateError)) return options.onError(error);
        closed({ kind: "credentials_unreadable" });
      });
    },
    requestCode(phoneNumber) {
      const isCurrent = current.watch();
      const asked =
        current.held()?.wa.requestPairingCode(phoneNumber) ?? Promise.reject(new Error("no socket"));
      asked.then(
        (code) => isCurrent() && emit({ type: "code", code: codes.typed(code) }),
        () => isCurrent() && closed({ kind: "pairing_failed" })?.terminate(),
      );
    },
    current: current.open,
  };
}
