import { io, type Socket } from "socket.io-client";
import { sleep } from "#shared/sleep.ts";
import { apiKey, type SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";

/** The events that one client received of one channel. */
export interface ReceivedEvents {
  channelId: string;
  /** `seq` of the last event before its first subscription; null until then. */
  from: number | null;
  /** In order of arrival. */
  seqs: number[];
  resyncs: number;
}

/** A client that follows the log and resumes where it was, through whichever process answers. */
export interface EventClient {
  name: string;
  received: ReadonlyMap<string, ReceivedEvents>;
  connections: number;
  /** Whether it has received every event up to the `seq` of its channel in `last`. */
  hasAll(last: ReadonlyMap<string, number>): boolean;
}

const channelsEach = 10;
const answerMs = 8_000;
const reconnectMs = 500;

/** Starts one Socket.io client for every ten channels. They run until `signal` aborts. */
export function startSocketClients(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  signal: AbortSignal,
): EventClient[] {
  const count = Math.ceil(channels.length / channelsEach);
  return Array.from({ length: count }, (_, index) => {
    const own = channels.slice(index * channelsEach, (index + 1) * channelsEach);
    return startSocketClient(system, `Socket.io client ${index}`, own, index, signal);
  });
}

function startSocketClient(
  system: SupervisedProcesses,
  name: string,
  channels: readonly ChaosChannel[],
  firstConnector: number,
  signal: AbortSignal,
): EventClient {
  const received = new Map<string, ReceivedEvents>();
  const client: EventClient = {
    name,
    received,
    connections: 0,
    hasAll: (last) =>
      [...received.values()].every(
        ({ channelId, from, seqs }) => (seqs.at(-1) ?? from ?? 0) >= (last.get(channelId) ?? 0),
      ),
  };
  const run = async () => {
    for (let turn = firstConnector; !signal.aborted; turn++) {
      const { url } = system.connectors[turn % system.connectors.length] ?? { url: "" };
      const socket = io(url, {
        auth: { apiKey },
        transports: ["websocket"],
        reconnection: false,
        forceNew: true,
      });
      try {
        await follow(socket, channels, received, client, signal);
      } finally {
        socket.close();
      }
      await sleep(reconnectMs, signal);
    }
  };
  void run();
  return client;
}

/** Subscribes to the channels and receives events until the connection ends. */
async function follow(
  socket: Socket,
  channels: readonly ChaosChannel[],
  received: Map<string, ReceivedEvents>,
  client: EventClient,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const event of ["disconnect", "connect_error"]) socket.once(event, () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  socket.onAny((name: string, data: { channelId?: string; seq?: number; eventId?: string }) => {
    const one = received.get(data?.channelId ?? "");
    if (name === "resync_required" && one) one.resyncs += 1;
    else if (one && data.seq !== undefined && data.eventId !== undefined) one.seqs.push(data.seq);
  });
  const connected = new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    void ended.then(() => resolve(false));
    setTimeout(() => resolve(false), answerMs);
  });
  if (!(await connected)) return;
  client.connections += 1;
  for (const { channelId } of channels) {
    if (!(await subscribe(socket, channelId, received))) return;
  }
  await ended;
}

/** Resolves to false without a successful answer; the caller then drops the connection. */
async function subscribe(
  socket: Socket,
  channelId: string,
  received: Map<string, ReceivedEvents>,
): Promise<boolean> {
  const one = received.get(channelId) ?? { channelId, from: null, seqs: [], resyncs: 0 };
  received.set(channelId, one);
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
