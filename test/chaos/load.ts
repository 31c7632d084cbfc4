import { sleep } from "#shared/sleep.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Random } from "./random.ts";
import { type Send, type Stream, sendOverHttp, sendThroughDatabase } from "./sends.ts";

/** A message from a contact to a channel. */
export interface Inbound {
  text: string;
  id: string;
  channel: ChaosChannel;
  /** The contact's phone number. */
  from: string;
  /** Position in its chat, from 1. */
  number: number;
  at: number;
}

/** Messages per second and channel. */
export interface Rates {
  http: number;
  database: number;
  inbound: number;
}

/** Every message requested so far; the arrays grow during the run. */
export interface Load {
  sends: Send[];
  inbound: Inbound[];
  /** Starts no more messages; resolves once every sender has an answer to its last one, or after 60 s. */
  stop(): Promise<void>;
}

const giveUpMs = 60_000;

/** Sends numbered messages in every stream and chat of every channel, at a steady mean rate with random gaps. */
export function startLoad(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  rates: Rates,
  random: Random,
): Load {
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const sends: Send[] = [];
  const inbound: Inbound[] = [];
  const pause = (perSecond: number) => {
    const meanMs = 1_000 / perSecond;
    return sleep(-Math.log(1 - random.next()) * meanMs, stopping.signal);
  };
  const keepSending = async (channel: ChaosChannel, stream: Stream, perSecond: number) => {
    for (let number = 1; ; number++) {
      await pause(perSecond);
      if (stopping.signal.aborted) return;
      const send = newSend(channel, stream, number, random);
      sends.push(send);
      if (stream === "http") await sendOverHttp(system, send, givingUp.signal, channel.index + number);
      else await sendThroughDatabase(system, send, givingUp.signal);
    }
  };
  const keepWriting = async (channel: ChaosChannel) => {
    const numbers = new Map<string, number>();
    for (;;) {
      await pause(rates.inbound);
      if (stopping.signal.aborted) return;
      const contact = random.pick(channel.contacts);
      const number = (numbers.get(contact.phoneNumber) ?? 0) + 1;
      numbers.set(contact.phoneNumber, number);
      const text = `to channel ${channel.index} from ${contact.phoneNumber}, message ${number}`;
      const { id } = await contact.sendText(channel.phone.phoneNumber, text);
      inbound.push({ text, id, channel, from: contact.phoneNumber, number, at: Date.now() });
    }
  };
  const running = channels.flatMap((channel) => [
    keepSending(channel, "http", rates.http),
    keepSending(channel, "database, lane 1", rates.database / 2),
    keepSending(channel, "database, lane 2", rates.database / 2),
    keepWriting(channel),
  ]);
  return {
    sends,
    inbound,
    async stop() {
      stopping.abort();
      const timer = setTimeout(() => givingUp.abort(), giveUpMs);
      await Promise.all(running);
      clearTimeout(timer);
    },
  };
}

function newSend(channel: ChaosChannel, stream: Stream, number: number, random: Random): Send {
  return {
    text: `from channel ${channel.index}, ${stream}, message ${number}`,
    channel,
    to: random.pick(channel.contacts).phoneNumber,
    stream,
    number,
    askedAt: Date.now(),
    acceptedAt: null,
    commandId: null,
    messageId: null,
    claimed: null,
    answers: [],
  };
}
