import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type BinaryNode, proto, type WASocket } from "#connector/baileys/baileys.ts";
import {
  markCopy,
  markEncrypted,
  markWritten,
  requireCopies,
  untilPermitted,
} from "#connector/baileys/wire-trace.ts";

/** How the fake server behaves. */
export interface Answers {
  /** The acknowledgement of a message: accepted, refused with a code, or none. */
  ack?: () => Promise<"sent" | number | null>;
  /** How long a relay takes. */
  relay?: () => Promise<unknown>;
  /** How many relays fail before the first that succeeds. */
  failures?: number;
  isOnWireWhenFailing?: boolean;
  /** JIDs that are not on WhatsApp. */
  unregistered?: readonly string[];
  /** Resolves when WhatsApp answers questions about this JID. */
  lookup?: (jid: string) => Promise<void>;
  /** Resolves when WhatsApp answers for the devices of this JID. */
  devices?: (jid: string) => Promise<void>;
  /** The JID of the linked device. */
  account?: string;
}

/** When a wait for an acknowledgement that does not come ends, at the latest: a busy machine takes long for those that come. */
const silentMs = 30;

class FakeWebSocket extends EventEmitter {
  get isOpen(): boolean {
    return true;
  }
}

/** The parts of Baileys' socket that sending uses, with a fake server behind it. */
export function fakeSocket({
  ack,
  relay,
  failures = 0,
  isOnWireWhenFailing = false,
  unregistered = [],
  lookup,
  devices,
  account = "15550100009:1@s.whatsapp.net",
}: Answers) {
  const relayed: string[] = [];
  /** The relayed messages whose stanza left. */
  const written: string[] = [];
  /** Those whose stanza was not made. */
  const failed: string[] = [];
  /** The relayed messages, encoded. */
  const messages: Array<{ to: string; bytes: Uint8Array }> = [];
  const running = { relays: 0, answers: 0 };
  const most = { relays: 0, answers: 0 };
  const count = async <T>(what: keyof typeof running, work: () => Promise<T>): Promise<T> => {
    most[what] = Math.max(most[what], ++running[what]);
    try {
      return await work();
    } finally {
      running[what]--;
    }
  };
  const ws = new FakeWebSocket();
  const wire = new EventEmitter().setMaxListeners(0);
  /** Waits until the stanza reaches the server, then answers it. */
  const answer = async (id: string, timeoutMs: number): Promise<BinaryNode> => {
    const signal = AbortSignal.timeout(timeoutMs);
    await once(wire, id, { signal });
    const acked = ack ? await ack() : "sent";
    if (acked === null) {
      await Promise.race([once(signal, "abort"), delay(silentMs)]);
      throw new Error("Timed Out");
    }
    return { tag: "ack", attrs: { id, ...(acked === "sent" ? {} : { error: String(acked) }) } };
  };
  /** Makes the stanza. Resolves to a function that waits until it has left. */
  const make = async (id: string, to: string) => {
    relayed.push(id);
    await relay?.();
    const isFailing = relayed.length <= failures;
    markEncrypted();
    markCopy(to);
    await untilPermitted();
    if (!ws.isOpen) throw new Error("Connection Closed");
    const isMade = !isFailing || isOnWireWhenFailing;
    const leaves = isMade ? markWritten() : Promise.resolve();
    leaves.catch(() => undefined);
    return async () => {
      await leaves;
      if (isMade) {
        written.push(id);
        wire.emit(id);
      }
      if (isFailing) throw new Error("made up");
      return id;
    };
  };
  const wa = {
    ws,
    user: { id: account },
    async onWhatsApp(jid: string) {
      await lookup?.(jid);
      return [{ jid, exists: !unregistered.includes(jid) }];
    },
    waitForMessage: (id: string, timeoutMs: number) => count("answers", () => answer(id, timeoutMs)),
    async relayMessage(to: string, message: proto.IMessage, { messageId }: { messageId: string }) {
      messages.push({ to, bytes: proto.Message.encode(message).finish() });
      const left = await count("relays", () => make(messageId, to)).catch((error) => {
        failed.push(messageId);
        throw error;
      });
      return await left();
    },
    async getUSyncDevices(jids: string[]) {
      for (const jid of jids) await devices?.(jid);
      return jids.map((jid) => ({ jid }));
    },
    assertSessions: async () => false,
  };
  requireCopies(wa as unknown as WASocket);
  return { wa: wa as unknown as WASocket, relayed, written, failed, messages, most };
}
