import { sleep } from "#shared/sleep.ts";
import { apiKey, type SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { EventClient, ReceivedEvents } from "./socket-clients.ts";

const retryMs = 500;
const answerMs = 20_000;

interface Page {
  payload: { channelId: string; seq: number }[];
  nextCursor: string;
}

/** Follows the log with `GET /events` from its first event, asking the functions processes in turn. */
export function startEventPoller(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  signal: AbortSignal,
): EventClient {
  const received = new Map<string, ReceivedEvents>(
    channels.map(({ channelId }) => [channelId, { channelId, from: 0, seqs: [], resyncs: 0 }]),
  );
  const poller: EventClient = {
    name: "poller of GET /events",
    received,
    connections: 0,
    hasAll: (last) =>
      [...received.values()].every(({ channelId, seqs }) => (seqs.at(-1) ?? 0) >= (last.get(channelId) ?? 0)),
  };
  const poll = async () => {
    let cursor: string | null = null;
    for (let turn = 0; !signal.aborted; turn++) {
      const page = await readPage(system, turn, cursor, signal);
      poller.connections += 1;
      if (page === null) {
        await sleep(retryMs, signal);
        continue;
      }
      cursor = page.nextCursor;
      for (const { channelId, seq } of page.payload) received.get(channelId)?.seqs.push(seq);
    }
  };
  void poll();
  return poller;
}

/** Resolves to null without a successful answer. */
async function readPage(
  { functions }: SupervisedProcesses,
  turn: number,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page | null> {
  const after = cursor === null ? "" : `&after=${encodeURIComponent(cursor)}`;
  const url = `${functions[turn % functions.length]?.url}/api/whatsapp/events?limit=500${after}`;
  try {
    const answer = await fetch(url, {
      headers: { "x-api-key": apiKey, Prefer: "wait=5" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    return answer.ok ? ((await answer.json()) as Page) : null;
  } catch {
    return null;
  }
}
