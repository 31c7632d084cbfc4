import type { WebSocket } from "ws";
import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import {
  type BinaryNode,
  Browsers,
  type makeLibSignalRepository,
  makeWASocket,
  type SocketConfig,
  type WASocket,
} from "../baileys/baileys.ts";
import { hardenedSignalRepository } from "../baileys/harden.ts";
import { type InboundJournal, inboundJournal } from "../baileys/inbound-journal.ts";
import { betweenMessages, type IntakeListener, takeInOrder } from "../baileys/intake.ts";
import { baileysLogger } from "../baileys/logger.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import { markEncrypted, markWritten } from "../baileys/wire-trace.ts";
import type { Closure } from "../machine/close-reason.ts";
import type { Timings } from "../timings.ts";
import { causeOf, closureOf, watchUpgrade } from "./baileys-error.ts";
import type { StageName } from "./liveness-probe.ts";
import { watchLiveness } from "./liveness-watch.ts";

/** What happens on a socket. `closed` comes exactly once, and after it only messages that were on their way. */
export interface SocketListener extends IntakeListener {
  /** The raw text of a QR; `attempt` counts from 1. */
  qr(text: string, attempt: number): void;
  /** WhatsApp knows the account, and has told nothing of it yet. */
  loggedIn(): void;
  opened(): void;
  closed(closure: Omit<Closure, "isLinked" | "isLeaseMine">): void;
  /** Resolves when everything that was received so far is in the event log. */
  allPublished(): Promise<void>;
  /** Nothing passes this part of the way any more, although the socket is open; it closes. */
  stalled(stage: StageName): void;
  /** WhatsApp wants a step that Baileys does not have before it links this account. */
  passkeyRequired(): void;
}

export interface SocketOptions {
  auth: AuthState;
  /** Absent: WhatsApp's own. */
  websocketUrl: string | null;
  version: [number, number, number] | null;
  caches: SocketCaches;
  getMessage: SocketConfig["getMessage"];
  timings: Pick<
    Timings,
    "connectWatchdogMs" | "probeQuietMs" | "probeMs" | "stuckMs" | "keepAliveMs" | "qrMs"
  >;
  listener: SocketListener;
  log: Logger;
}

export interface ChannelSocket {
  /** Baileys' own, for sending and asking. */
  wa: WASocket;
  /** Says goodbye, for 4 s at most, then ends; the link to the phone stays. */
  close(): Promise<void>;
  /** Ends at once. */
  terminate(): void;
}

const goodbyeMs = 3_000;
/** A socket that was ended and does not say so within this is taken as closed. */
const closeEventMs = 1_000;

/** Opens one connection to WhatsApp with credentials that `auth` has. */
export function openSocket(options: SocketOptions): ChannelSocket {
  const { auth, listener, timings, log } = options;
  const journal = inboundJournal(auth.state.keys);
  const gone = new AbortController();
  const wa = makeWASocket(socketConfig(options, journal, gone.signal));
  const refusal = watchUpgrade(wa);
  let attempt = 0;
  let isReached = false;
  let isClosed = false;

  const report = (error: unknown) => {
    if (isClosed) return;
    isClosed = true;
    gone.abort();
    clearTimeout(connecting);
    path.stop();
    journal.hurry();
    giveUpQueries(wa);
    if (!isReached) log.warn({ event: "unreachable", cause: causeOf(error) }, "WhatsApp cannot be reached");
    listener.closed({ ...closureOf(error), isReached, ...refusal() });
  };
  const end = (why: string) => {
    rawSocket(wa)?.terminate();
    wa.end(new Error(why)).catch(report);
    setTimeout(() => report(new Error(why)), closeEventMs).unref();
  };
  const connecting = setTimeout(() => end("no answer from WhatsApp"), timings.connectWatchdogMs);
  const path = watchLiveness({
    ...{ wa, listener, timings },
    waitingBytes: () => rawSocket(wa)?.bufferedAmount ?? 0,
    onStalled(stage) {
      log.warn({ event: "deaf", stage }, "nothing comes through an open connection, so it is ended");
      listener.stalled(stage);
      end(`deaf: ${stage}`);
    },
  });

  wa.ws.on("open", () => {
    isReached = true;
    traceWrites(wa);
  });
  // Before Baileys goes on to ask for what waits.
  wa.ws.prependListener("CB:success", () => listener.loggedIn());
  wa.ws.on("unexpected-response", () => end("upgrade refused"));
  wa.ws.on("CB:notification", (node: BinaryNode) => {
    if (passkeyTypes.test(node.attrs.type ?? "")) listener.passkeyRequired();
  });
  takeInOrder(wa, journal, path.intake);
  wa.ev.on("creds.update", () => auth.save());
  wa.ev.on("connection.update", ({ qr, connection, lastDisconnect }) => {
    if (isClosed) return;
    if (qr || connection === "open") clearTimeout(connecting);
    if (qr) listener.qr(qr, ++attempt);
    if (connection === "open") {
      path.start();
      listener.opened();
    }
    if (connection === "close") report(lastDisconnect?.error);
  });
  log.debug({ event: "socket" }, "connecting to WhatsApp");

  return {
    wa,
    async close() {
      if (isClosed) return;
      await betweenMessages(wa, async () => {
        const goodbye = setTimeout(() => rawSocket(wa)?.terminate(), goodbyeMs);
        await wa.end(undefined).finally(() => clearTimeout(goodbye));
      });
      report(undefined);
    },
    terminate() {
      end("terminated");
    },
  };
}

const passkeyTypes = /passkey_prologue_request|crsc_continuation/;

function socketConfig(options: SocketOptions, journal: InboundJournal, gone: AbortSignal) {
  const { auth, websocketUrl, version, caches, getMessage, timings, log } = options;
  const config: Partial<SocketConfig> & Pick<SocketConfig, "auth"> = {
    auth: auth.state,
    browser: Browsers.macOS("Chrome"),
    logger: baileysLogger(log),
    markOnlineOnConnect: false,
    syncFullHistory: false,
    emitOwnEvents: false,
    generateHighQualityLinkPreview: false,
    keepAliveIntervalMs: timings.keepAliveMs,
    defaultQueryTimeoutMs: 30_000,
    transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
    makeSignalRepository: tracedSignalRepository(auth, journal, gone),
    getMessage,
    ...caches,
  };
  if (websocketUrl) config.waWebSocketUrl = websocketUrl;
  if (version) config.version = version;
  if (timings.qrMs !== null) config.qrTimeout = timings.qrMs;
  return config;
}

function tracedSignalRepository(
  auth: AuthState,
  journal: InboundJournal,
  gone: AbortSignal,
): SocketConfig["makeSignalRepository"] {
  const make = hardenedSignalRepository(auth.state.keys, journal, gone);
  return (...parts: Parameters<typeof makeLibSignalRepository>) => {
    const repository = make(...parts);
    const { encryptMessage, encryptGroupMessage } = repository;
    return {
      ...repository,
      encryptMessage: (options) => {
        markEncrypted();
        return encryptMessage(options);
      },
      encryptGroupMessage: (options) => {
        markEncrypted();
        return encryptGroupMessage(options);
      },
    };
  };
}

/** Baileys keeps its websocket to itself, and has no way to end it at once. */
function rawSocket(wa: WASocket): WebSocket | null {
  return Reflect.get(wa.ws, "socket") as WebSocket | null;
}

/**
 * Baileys stops listening to the end of its websocket before that comes, so what still waits for an answer would go on for
 * 30 s, a key transaction around it too, and the next socket's with it.
 */
function giveUpQueries(wa: WASocket): void {
  wa.ws.emit("error", new Error("Connection Closed"));
}

function traceWrites(wa: WASocket): void {
  const socket = rawSocket(wa);
  if (!socket) return;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  socket.send = (...values: unknown[]) => {
    markWritten();
    send(...values);
  };
}
