import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Logger } from "../shared/log.ts";
import type { AuthState } from "./auth/auth-state.ts";
import type { SocketCaches } from "./auth/caches.ts";
import {
  type BinaryNode,
  Browsers,
  type makeLibSignalRepository,
  makeWASocket,
  type SocketConfig,
  type WASocket,
} from "./baileys/baileys.ts";
import { hardenedSignalRepository } from "./baileys/harden.ts";
import { createInboundJournal, type InboundJournal } from "./baileys/inbound-journal.ts";
import { betweenMessages, type IntakeListener, takeInOrder } from "./baileys/intake.ts";
import { baileysLogger } from "./baileys/logger.ts";
import type { Closure } from "./close-reason.ts";
import type { Timings } from "./timings.ts";
import { markEncrypted, markWritten } from "./wire-trace.ts";

/** What happens on a socket. `closed` comes exactly once, and after it only messages that were on their way. */
export interface SocketListener extends IntakeListener {
  /** The raw text of a QR; `attempt` counts from 1. */
  qr(text: string, attempt: number): void;
  opened(): void;
  closed(closure: Omit<Closure, "isLinked" | "isLeaseMine">): void;
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
  timings: Pick<Timings, "connectWatchdogMs" | "silenceMs" | "keepAliveMs" | "qrMs">;
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
  const journal = createInboundJournal(auth.state.keys);
  const wa = makeWASocket(socketConfig(options, journal));
  const refusal = watchUpgrade(wa);
  let attempt = 0;
  let isReached = false;
  let isOpen = false;
  let isClosed = false;
  let heardAt = performance.now();

  const report = (error: unknown) => {
    if (isClosed) return;
    isClosed = true;
    clearTimeout(connecting);
    clearInterval(listening);
    journal.hurry();
    if (!isReached) log.warn({ event: "unreachable", cause: causeOf(error) }, "WhatsApp cannot be reached");
    listener.closed({ ...closureOf(error), isReached, ...refusal() });
  };
  const end = (why: string) => {
    rawSocket(wa)?.terminate();
    wa.end(new Error(why)).catch(report);
    setTimeout(() => report(new Error(why)), closeEventMs).unref();
  };
  const connecting = setTimeout(() => end("no answer from WhatsApp"), timings.connectWatchdogMs);
  const listening = setInterval(() => {
    if (isOpen && performance.now() - heardAt > timings.silenceMs) end("silence");
  }, timings.silenceMs / 10);

  wa.ws.on("frame", () => {
    heardAt = performance.now();
  });
  wa.ws.on("open", () => {
    isReached = true;
    traceWrites(wa);
  });
  wa.ws.on("unexpected-response", () => end("upgrade refused"));
  wa.ws.on("CB:notification", (node: BinaryNode) => {
    if (passkeyTypes.test(node.attrs.type ?? "")) listener.passkeyRequired();
  });
  takeInOrder(wa, journal, listener);
  wa.ev.on("creds.update", () => auth.save());
  wa.ev.on("connection.update", ({ qr, connection, lastDisconnect }) => {
    if (isClosed) return;
    if (qr || connection === "open") clearTimeout(connecting);
    if (qr) listener.qr(qr, ++attempt);
    if (connection === "open") {
      isOpen = true;
      heardAt = performance.now();
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

function socketConfig(options: SocketOptions, journal: InboundJournal) {
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
    makeSignalRepository: tracedSignalRepository(auth, journal),
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
): SocketConfig["makeSignalRepository"] {
  const make = hardenedSignalRepository(auth.state.keys, journal);
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

function traceWrites(wa: WASocket): void {
  const socket = rawSocket(wa);
  if (!socket) return;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  socket.send = (...values: unknown[]) => {
    markWritten();
    send(...values);
  };
}

/** An HTTP answer to the upgrade ends in no event of Baileys' at all, so its status is kept here. */
function watchUpgrade(wa: WASocket): () => Partial<Pick<Closure, "code" | "retryAfterMs">> {
  let refusal: Partial<Pick<Closure, "code" | "retryAfterMs">> = {};
  wa.ws.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
    const seconds = Number(response.headers["retry-after"]);
    refusal = {
      code: response.statusCode === 429 ? 429 : 503,
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    };
    response.resume();
  });
  return () => refusal;
}

/** What Baileys' errors carry: a Boom with a status code, and for a ban the seconds it lasts. */
interface BaileysError {
  message?: string;
  output?: { statusCode?: number };
  data?: { code?: string; expire?: string; attrs?: { expire?: string } };
}

/** `ENOTFOUND`, `ECONNREFUSED` and the like, where the transport said so. */
function causeOf(error: unknown): string | null {
  const { data } = (error ?? {}) as BaileysError;
  return typeof data?.code === "string" ? data.code : null;
}

function closureOf(error: unknown): Pick<Closure, "code" | "message" | "retryAfterMs"> {
  const { message = "", output, data } = (error ?? {}) as BaileysError;
  const seconds = Number(data?.expire ?? data?.attrs?.expire);
  return {
    code: output?.statusCode ?? null,
    message,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
  };
}
