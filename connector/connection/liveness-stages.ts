import type { BinaryNode, WASocket } from "../baileys/baileys.ts";
import { probeQueue } from "../baileys/queue-probe.ts";
import type { Stage } from "./liveness-probe.ts";

export interface LivenessStagesOptions {
  wa: WASocket;
  /** The wire is probed after this long without a frame. */
  quietMs: number;
  answerMs: number;
  /** How long one task in each of Baileys' queues may take. */
  stuckMs: number;
  /** Bytes written to the socket that have not left this process. */
  waitingBytes(): number;
  /** How many messages and statuses Baileys has handed over so far. */
  handedOver(): number;
  /** How many of these are in the event log. */
  published(): number;
  /** Resolves when all of them are. */
  allPublished(): Promise<void>;
}

/**
 * The stages of an open socket. Only probing the wire costs anything, one small query; it is not doubtful while Baileys' own
 * pings are answered. A stage that others wait for comes first, so that the report names it.
 */
export function livenessStages(options: LivenessStagesOptions): Stage[] {
  const { wa, quietMs, answerMs, stuckMs, waitingBytes, handedOver, published, allPublished } = options;
  let frames = 0;
  let lastFrameAt = performance.now();
  wa.ws.on("frame", () => {
    frames++;
    lastFrameAt = performance.now();
  });
  return [
    { name: "log", deadlineMs: stuckMs, isDoubtful: () => true, pass: allPublished, progress: published },
    {
      name: "keys",
      deadlineMs: stuckMs,
      isDoubtful: () => true,
      pass: () => wa.authState.keys.transaction(nothing, "probe"),
      progress: handedOver,
    },
    {
      name: "messages",
      deadlineMs: stuckMs,
      isDoubtful: () => true,
      pass: () => Promise.all([wa.messageMutex.mutex(nothing), probeQueue(wa)]),
      progress: handedOver,
    },
    {
      name: "wire",
      deadlineMs: answerMs,
      isDoubtful: () => performance.now() - lastFrameAt > quietMs || waitingBytes() > 0,
      pass: () => ping(wa, answerMs),
      // A network that carries nothing outbound may still carry inbound.
      progress: () => (waitingBytes() > 0 ? 0 : frames),
    },
  ];
}

const nothing = async () => undefined;

/** Baileys resolves a query that timed out to `undefined`. */
async function ping(wa: WASocket, answerMs: number): Promise<void> {
  const iq = { to: "@s.whatsapp.net", type: "get", xmlns: "w:p" };
  const content = [{ tag: "ping", attrs: {} }];
  const answer: BinaryNode | undefined = await wa.query({ tag: "iq", attrs: iq, content }, answerMs);
  if (!answer) throw new Error("WhatsApp did not answer");
}
