import { sleep } from "#shared/sleep.ts";
import { apiKey, type SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Heard, Listener } from "./listeners.ts";

const retryMs = 500;
const answerMs = 20_000;

interface Page {
  payload: { channelId: string; seq: number }[];
  nextCursor: string;
}

/** Reads `GET /events` from the beginning of the log to its end, through one functions process after the other. */
export function startEventReader(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  signal: AbortSignal,
): Listener {
  const heard = new Map<string, Heard>(
    channels.map(({ channelId }) => [channelId, { channelId, from: 0, seqs: [], resyncs: 0 }]),
  );
  const reader: Listener = {
    name: "reader of GET /events",
    heard,
    connections: 0,
    hasAll: (last) =>
      [...heard.values()].every(({ channelId, seqs }) => (seqs.at(-1) ?? 0) >= (last.get(channelId) ?? 0)),
  };
  const read = async () => {
    let cursor: string | null = null;
    for (let turn = 0; !signal.aborted; turn++) {
      const page = await readPage(system, turn, cursor, signal);
      reader.connections += 1;
      if (page === null) {
        await sleep(retryMs, signal);
        continue;
      }
      cursor = page.nextCursor;
      for (const { channelId, seq } of page.payload) heard.get(channelId)?.seqs.push(seq);
    }
  };
  void read();
  return reader;
}

/** Null when there was no answer, or none that is a page. */
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
