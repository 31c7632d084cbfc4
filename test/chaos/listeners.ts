import { io, type Socket } from "socket.io-client";
import { sleep } from "#shared/sleep.ts";
import { apiKey, type SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";

/** What one client heard of one channel. */
export interface Heard {
  channelId: string;
  /** The last event before it listened for the first time; null until then. */
  from: number | null;
  /** Numbers, in the order in which they came. */
  seqs: number[];
  resyncs: number;
}

/** A Socket.io client that goes on where it was, through whichever connector answers. */
export interface Listener {
  name: string;
  heard: ReadonlyMap<string, Heard>;
  connections: number;
  /** Whether it has heard everything up to these numbers. */
  hasAll(last: ReadonlyMap<string, number>): boolean;
}

const channelsEach = 10;
const answerMs = 8_000;
const reconnectMs = 500;

/** One listener for every ten channels. They live until `signal` aborts. */
export function startListeners(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  signal: AbortSignal,
): Listener[] {
  const count = Math.ceil(channels.length / channelsEach);
  return Array.from({ length: count }, (_, index) => {
    const own = channels.slice(index * channelsEach, (index + 1) * channelsEach);
    return startListener(system, `listener ${index}`, own, index, signal);
  });
}

function startListener(
  system: SupervisedProcesses,
  name: string,
  channels: readonly ChaosChannel[],
  firstConnector: number,
  signal: AbortSignal,
): Listener {
  const heard = new Map<string, Heard>();
  const listener: Listener = {
    name,
    heard,
    connections: 0,
    hasAll: (last) =>
      [...heard.values()].every(
        ({ channelId, from, seqs }) => (seqs.at(-1) ?? from ?? 0) >= (last.get(channelId) ?? 0),
      ),
  };
  const listen = async () => {
    for (let turn = firstConnector; !signal.aborted; turn++) {
      const { url } = system.connectors[turn % system.connectors.length] ?? { url: "" };
      const socket = io(url, {
        auth: { apiKey },
        transports: ["websocket"],
        reconnection: false,
        forceNew: true,
      });
      try {
        await follow(socket, channels, heard, listener, signal);
      } finally {
        socket.close();
      }
      await sleep(reconnectMs, signal);
    }
  };
  void listen();
  return listener;
}

/** Listens until the connection ends. */
async function follow(
  socket: Socket,
  channels: readonly ChaosChannel[],
  heard: Map<string, Heard>,
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const event of ["disconnect", "connect_error"]) socket.once(event, () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  socket.onAny((name: string, data: { channelId?: string; seq?: number; eventId?: string }) => {
    const one = heard.get(data?.channelId ?? "");
    if (name === "resync_required" && one) one.resyncs += 1;
    else if (one && data.seq !== undefined && data.eventId !== undefined) one.seqs.push(data.seq);
  });
  const connected = new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    void ended.then(() => resolve(false));
    setTimeout(() => resolve(false), answerMs);
  });
  if (!(await connected)) return;
  listener.connections += 1;
  for (const { channelId } of channels) {
    if (!(await subscribe(socket, channelId, heard))) return;
  }
  await ended;
}

/** False when it was not answered: then the connection is given up. */
async function subscribe(socket: Socket, channelId: string, heard: Map<string, Heard>): Promise<boolean> {
  const one = heard.get(channelId) ?? { channelId, from: null, seqs: [], resyncs: 0 };
  heard.set(channelId, one);
  const after = one.seqs.at(-1) ?? one.from;
  try {
    const request = { channelId, ...(after === null ? {} : { after }) };
    const answer: { ok: boolean; seq: number } = await socket
      .timeout(answerMs)
      .emitWithAck("subscribe_channel", request);
    if (answer.ok) one.from ??= answer.seq;
    return answer.ok;
  } catch {
    return false;
  }
}
