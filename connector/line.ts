import type { WhatsAppConfig } from "../shared/config.ts";
import type { Logger } from "../shared/log.ts";
import { AuthStateError } from "./auth/auth-error.ts";
import type { AuthState } from "./auth/auth-state.ts";
import type { SocketCaches } from "./auth/caches.ts";
import { FencedError } from "./auth/fence.ts";
import type { SocketConfig } from "./baileys/baileys.ts";
import { type CloseReason, closeReason } from "./close-reason.ts";
import type { Inbox } from "./inbox.ts";
import { createLeftovers } from "./leftovers.ts";
import type { PairingCode, Signal } from "./machine.ts";
import type { OpenSocket } from "./relay.ts";
import { rotateSignedPreKeys } from "./signed-pre-key.ts";
import { type ChannelSocket, openSocket, type SocketListener } from "./socket.ts";
import type { Timings } from "./timings.ts";

/** A channel's connection to WhatsApp: at most one socket. What an older socket still says is dropped. */
export interface Line {
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

export interface LineOptions {
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
  isStranger(): boolean;
  /** `isCurrent` turns false when the socket that gave the signal is a former one. */
  signal(signal: Signal, isCurrent: () => boolean): void;
  onError(error: unknown): void;
  log: Logger;
}

/** WhatsApp gives six QR codes: the first lives 60 s, the others 20 s. */
const codes = { count: 6, firstMs: 60_000, nextMs: 20_000 };
const unlinkMs = 5_000;

export function createLine(options: LineOptions): Line {
  const { auth, inbox, isOwner, timings, log } = options;
  const leftovers = createLeftovers(options);
  let generation = 0;
  let socket: ChannelSocket | null = null;
  /** One that says goodbye still hears, and would answer for what can no longer be kept. */
  let leaving: ChannelSocket | null = null;
  let isOpen = false;
  let isRestart = false;
  let gone = new AbortController();
  let codesUntil = 0;

  const emit = (signal: Signal) => {
    const mine = generation;
    options.signal(signal, () => mine === generation);
  };
  const forget = () => {
    generation++;
    isOpen = false;
    gone.abort();
    gone = new AbortController();
    const last = socket;
    socket = null;
    return last;
  };
  const closed = (reason: CloseReason, code: number | null = null) => {
    const last = forget();
    isRestart = reason.kind === "restart_required";
    emit({ type: "closed", reason, code });
    return last;
  };
  const showQr = (text: string, attempt: number) => {
    const livesMs = (from: number) => timings.qrMs ?? (from === 1 ? codes.firstMs : codes.nextMs);
    if (attempt === 1) codesUntil = Date.now() + livesMs(1) + (codes.count - 1) * livesMs(2);
    emit({ type: "qr", code: qrCode(text, attempt, Date.now() + livesMs(attempt)) });
  };
  const opened = () => {
    isOpen = true;
    if (socket) leftovers.handOver(socket.wa);
    emit({ type: "opened" });
  };
  const listenerOf = (mine: number): SocketListener => {
    const ifCurrent =
      <P extends unknown[]>(work: (...parts: P) => void) =>
      (...parts: P) => {
        if (mine === generation) work(...parts);
      };
    let isStrangers = false;
    return {
      qr: ifCurrent(showQr),
      loggedIn: ifCurrent(() => {
        isStrangers = options.isStranger();
        if (isStrangers) opened();
      }),
      opened: ifCurrent(() => {
        opened();
        if (socket) rotateSignedPreKeys({ auth, timings, log, wa: socket.wa, gone: gone.signal });
      }),
      closed: ifCurrent((closure) => {
        const reason = closeReason({ ...closure, isLinked: auth.linked(), isLeaseMine: isOwner() });
        closed(reason, closure.code);
      }),
      passkeyRequired: ifCurrent(() => closed({ kind: "passkey_required" })?.terminate()),
      deaf: ifCurrent((stage) => {
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
  };
  const recover = async () => {
    if (!options.isStranger()) await leftovers.recover().catch(options.onError);
  };
  const connect = async (mine: number) => {
    // The phone waits for a pairing's restart, and not for long.
    if (!isRestart) await options.turn();
    isRestart = false;
    if (mine !== generation || !isOwner()) return;
    // Half-paired credentials would be taken for a login, and refused for good.
    if (!auth.linked()) await auth.create();
    // What the socket before this one decrypted last may not have been handed over.
    await recover();
    if (mine !== generation || !isOwner()) return;
    const { server, version } = options.whatsapp;
    const websocketUrl = server?.websocketUrl ?? null;
    socket = openSocket({ ...options, websocketUrl, version, listener: listenerOf(mine) });
  };

  return {
    recover,
    open() {
      forget()?.terminate();
      const mine = generation;
      connect(mine).catch((error: unknown) => {
        if (mine !== generation) return;
        if (error instanceof FencedError || !(error instanceof AuthStateError)) return options.onError(error);
        closed({ kind: "credentials_unreadable" });
      });
    },
    async close() {
      leaving = forget() ?? leaving;
      await leaving?.close();
    },
    terminate() {
      leaving?.terminate();
      forget()?.terminate();
    },
    async unlink() {
      const last = forget();
      if (!last) return;
      leaving = last;
      const told = last.wa.logout().catch(() => log.warn({ event: "unlink" }, "WhatsApp was not told"));
      await Promise.race([told, new Promise((resolve) => setTimeout(resolve, unlinkMs).unref())]);
      await last.close();
    },
    requestCode(phoneNumber) {
      const mine = generation;
      const asked = socket?.wa.requestPairingCode(phoneNumber) ?? Promise.reject(new Error("no socket"));
      asked.then(
        (code) => mine === generation && emit({ type: "code", code: typedCode(code, codesUntil) }),
        () => mine === generation && closed({ kind: "pairing_failed" })?.terminate(),
      );
    },
    current: () => (isOpen && socket ? { wa: socket.wa, gone: gone.signal } : null),
  };
}

/** The line of a channel whose credentials are there and cannot be used: it says so to whoever wants to connect. */
export function unreadableLine(signal: (signal: Signal) => void): Line {
  return {
    open: () => signal({ type: "closed", reason: { kind: "credentials_unreadable" }, code: null }),
    recover: async () => undefined,
    close: async () => undefined,
    terminate: () => undefined,
    unlink: async () => undefined,
    requestCode: () => undefined,
    current: () => null,
  };
}

function qrCode(text: string, attempt: number, expiresAt: number): PairingCode {
  return { kind: "qr", text, attempt, of: codes.count, expiresAt };
}

function typedCode(text: string, expiresAt: number): PairingCode {
  return { kind: "code", text, attempt: 1, of: 1, expiresAt };
}
