import { acceptFirstLogin } from "../auth/first-login.ts";
import { type BinaryNode, makeWASocket, type WASocket } from "../baileys/baileys.ts";
import { handleBeside } from "../baileys/beside.ts";
import { boundMappings, boundRetries } from "../baileys/bounded-retries.ts";
import { guardListeners } from "../baileys/guarded-listeners.ts";
import { inboundJournal } from "../baileys/inbound-journal.ts";
import { betweenMessages, type IntakeListener, takeInOrder } from "../baileys/intake.ts";
import { endTurnsEarly } from "../baileys/message-turns.ts";
import { admitReceipts } from "../baileys/receipt-admission.ts";
import { ServerIdentityError } from "../baileys/server-certificate.ts";
import { waitWithoutTraces } from "../baileys/wait-for-message.ts";
import { requireCopies } from "../baileys/wire-trace.ts";
import type { Closure } from "../machine/close-reason.ts";
import type { SeenChat } from "../messages/timer-from-whatsapp.ts";
import type { Timings } from "../timings.ts";
import { holdBack } from "./back-pressure.ts";
import { causeOf, closureOf, watchUpgrade } from "./baileys-error.ts";
import type { StageName } from "./liveness-probe.ts";
import { type LivenessWatch, watchLiveness } from "./liveness-watch.ts";
import { completeLogins } from "./login.ts";
import { watchPairing } from "./pairing-watch.ts";
import { gateFrames, rawSocket, rejectQueries } from "./raw-socket.ts";
import { type SocketConfigOptions, socketConfig } from "./socket-config.ts";
import { createSocketEnd, type SocketEnd } from "./socket-end.ts";

/** The events of a socket. `closed` comes exactly once; only messages that were already under way follow it. */
export interface SocketListener extends IntakeListener {
  /** The raw text of a QR; `attempt` counts from 1. */
  qr(text: string, attempt: number): void;
  /** A phone has accepted the device. */
  paired(): void;
  /** WhatsApp has accepted the login and delivered nothing yet. */
  loggedIn(): void;
  opened(): void;
  closed(closure: Omit<Closure, "isLinked" | "hasLoggedIn" | "isLeaseMine">): void;
  /** The phone's list of chats, or changes to it. */
  chats(chats: readonly SeenChat[]): void;
  /** Resolves when everything received so far is in the event log. */
  allPublished(): Promise<void>;
  /** Nothing passes this stage although the socket is open; the socket closes. */
  stalled(stage: StageName): void;
  /** WhatsApp demands a passkey, which Baileys does not support, before it links this account. */
  passkeyRequired(): void;
}

export interface SocketOptions extends SocketConfigOptions {
  timings: SocketConfigOptions["timings"] &
    Pick<
      Timings,
      "connectWatchdogMs" | "loginAnswerMs" | "restartMs" | "probeQuietMs" | "probeMs" | "stuckMs" | "backoff"
    >;
  listener: SocketListener;
  /** Frames leave once it has resolved: until then, a newer owner may have the channel. */
  saved: Promise<void>;
}

/** A channel's socket to WhatsApp, and the ways to end it. */
export interface ChannelSocket {
  /** Baileys' own socket, for sending and querying. */
  wa: WASocket;
  /** Closes politely within 4 s at most. The device stays linked. */
  close(): Promise<void>;
  /** Ends the socket at once. */
  terminate(): void;
}

const politeMs = 3_000;

/** Opens one connection to WhatsApp with the credentials of `auth`. */
export function openSocket(options: SocketOptions): ChannelSocket {
  const { auth, listener, timings, saved, log } = options;
  const journal = inboundJournal(auth.state.keys);
  const gone = new AbortController();
  const wa = makeWASocket(socketConfig(options, journal, gone.signal));
  completeLogins({ wa, auth, timings, gone: gone.signal, log });
  const refusal = watchUpgrade(wa);
  requireCopies(wa);
  waitWithoutTraces(wa);
  handleBeside(wa);
  endTurnsEarly(wa);
  let isReached = false;

  const end = createSocketEnd(wa, (error) => {
    gone.abort();
    clearTimeout(watchdog);
    liveness.stop();
    pairing.stop();
    journal.hurry();
    rejectQueries(wa);
    if (!isReached) log.warn({ event: "unreachable", cause: causeOf(error) }, "WhatsApp cannot be reached");
    if (error instanceof ServerIdentityError) {
      log.error(
        { event: "server_untrusted" },
        "the server could not prove that it is WhatsApp; nothing was sent to it",
      );
    }
    listener.closed({ ...closureOf(error), isReached, ...refusal() });
  });
  const watchdog = setTimeout(() => end.terminate("no answer from WhatsApp"), timings.connectWatchdogMs);
  const liveness = watchLiveness({
    wa,
    listener,
    timings,
    waitingBytes: () => rawSocket(wa)?.bufferedAmount ?? 0,
    onStalled(stage) {
      log.warn({ event: "deaf", stage }, "connection stalled, closing it");
      listener.stalled(stage);
      end.terminate(`stalled: ${stage}`);
    },
  });

  const pairing = watchPairing({ wa, auth, end, timings, onPaired: listener.paired });
  let framesLeft: () => Promise<void> = async () => undefined;
  wa.ws.on("open", () => {
    isReached = true;
    framesLeft = gateFrames(
      wa,
      () => Promise.all([saved, auth.flush()]).then(() => undefined),
      () => end.terminate("a write failed"),
    );
  });
  wa.ws.on("unexpected-response", () => end.terminate("upgrade refused"));
  guardListeners(wa, log);
  takeInOrder(wa, journal, liveness.intake);
  const admission = admitReceipts(wa, options.getMessage);
  boundRetries(wa);
  boundMappings(wa);
  holdBack(wa, () => Promise.all([admission.idle(), listener.allPublished(), auth.flush()]));
  forwardEvents(wa, options, { end, watchdog, liveness });
  log.debug({ event: "socket" }, "connecting to WhatsApp");

  return {
    wa,
    async close() {
      if (end.hasEnded()) return;
      await betweenMessages(wa, () => endPolitely(wa, framesLeft()));
      end.report(undefined);
    },
    terminate: () => end.terminate("terminated"),
  };
}

/** Ends the connection when the receipts of what was handed over have left: WhatsApp would deliver it again. */
async function endPolitely(wa: WASocket, framesLeft: Promise<void>): Promise<void> {
  const patience = Promise.withResolvers<void>();
  const impatience = setTimeout(() => {
    patience.resolve();
    rawSocket(wa)?.terminate();
  }, politeMs);
  await Promise.race([framesLeft, patience.promise]);
  await wa.end(undefined).finally(() => clearTimeout(impatience));
}

interface SocketWatch {
  end: SocketEnd;
  watchdog: NodeJS.Timeout;
  liveness: LivenessWatch;
}

/** Passes Baileys' events on to the listener. */
function forwardEvents(
  wa: WASocket,
  { auth, listener }: SocketOptions,
  { end, watchdog, liveness }: SocketWatch,
): void {
  let attempt = 0;
  // Prepended, so that it runs before Baileys asks for the waiting messages.
  wa.ws.prependListener("CB:success", () => {
    watchdog.refresh();
    // The credentials are stored with the pre-keys, or when the socket opens: the login's frames would wait for another write.
    acceptFirstLogin(auth.state.creds);
    listener.loggedIn();
  });
  wa.ws.on("CB:notification", (node: BinaryNode) => {
    if (passkeyTypes.test(node.attrs.type ?? "")) listener.passkeyRequired();
  });
  wa.ev.on("creds.update", () => auth.save());
  wa.ev.on("messaging-history.set", ({ chats }) => listener.chats(chats));
  wa.ev.on("chats.upsert", (chats) => listener.chats(chats));
  wa.ev.on("chats.update", (chats) => listener.chats(chats));
  wa.ev.on("connection.update", ({ qr, connection, lastDisconnect }) => {
    if (end.hasEnded()) return;
    if (qr || connection === "open") clearTimeout(watchdog);
    // Baileys goes on with the next QR although a phone has accepted the device.
    if (qr && !auth.linked()) listener.qr(qr, ++attempt);
    if (connection === "open") {
      liveness.start();
      listener.opened();
    }
    if (connection === "close") end.report(lastDisconnect?.error);
  });
}

const passkeyTypes = /passkey_prologue_request|crsc_continuation/;
