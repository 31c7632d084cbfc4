import type { BinaryNode, WASocket } from "../baileys/baileys.ts";
import { probeQueue } from "../baileys/queue-probe.ts";
import type { Stage } from "./liveness-probe.ts";

export interface LivenessStagesOptions {
  wa: WASocket;
  /** A wire that was quiet for this long is asked. */
  quietMs: number;
  answerMs: number;
  /** How long what Baileys does one after the other may take at each. */
  stuckMs: number;
  /** Bytes that were written and have not left this process. */
  waitingBytes(): number;
  /** How many messages and statuses Baileys has handed over. */
  handedOver(): number;
  /** How many of these are in the event log. */
  published(): number;
  /** Resolves when all of them are. */
  allPublished(): Promise<void>;
}

/**
 * The way that news takes through an open socket. Only the wire costs anything to probe, one small query; while Baileys'
 * own pings are answered, it is not doubtful. What others wait for comes first, so that it is what is named.
 */
export function livenessStages(options: LivenessStagesOptions): Stage[] {
  const { wa, quietMs, answerMs, stuckMs, waitingBytes, handedOver, published, allPublished } = options;
  let frames = 0;
  let heardAt = performance.now();
  wa.ws.on("frame", () => {
    frames++;
    heardAt = performance.now();
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
      isDoubtful: () => performance.now() - heardAt > quietMs || waitingBytes() > 0,
      pass: () => ping(wa, answerMs),
      // A network that carries nothing out may go on carrying in.
      progress: () => (waitingBytes() > 0 ? 0 : frames),
    },
  ];
}

const nothing = async () => undefined;

/** Baileys gives nothing where it waited in vain. */
async function ping(wa: WASocket, answerMs: number): Promise<void> {
  const iq = { to: "@s.whatsapp.net", type: "get", xmlns: "w:p" };
  const content = [{ tag: "ping", attrs: {} }];
  const answer: BinaryNode | undefined = await wa.query({ tag: "iq", attrs: iq, content }, answerMs);
  if (!answer) throw new Error("WhatsApp did not answer");
}
