import type { Collections } from "#shared/database.ts";
import { sleep } from "#shared/sleep.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Listener } from "./listeners.ts";
import type { Load } from "./load.ts";

const everyMs = 1_000;
/** What is settled stays so for this long: a late second event would still be seen. */
const quietMs = 3_000;

/** Everything whole again: no fault left, every process up, the database with all its members. */
export async function mendAll({ sandbox, functions, connectors, mongo }: SupervisedProcesses): Promise<void> {
  sandbox.faults.clear();
  for (const each of [...functions, ...connectors]) {
    each.database.mend();
    await each.whatsapp?.mend();
    each.launch();
    each.signal("SIGCONT");
  }
  await mongo.whole();
  await Promise.all([...functions, ...connectors].map((each) => each.listening()));
}

export interface Settling {
  system: SupervisedProcesses;
  channels: readonly ChaosChannel[];
  load: Load;
  listeners: readonly Listener[];
  withinMs: number;
  tick(open: string): void;
}

/**
 * Waits until every accepted send is final, every inbound message in the log and every event heard, or `withinMs` is
 * over. What waits for a person gets one: channels in `error` are connected again. Resolves with what is still open.
 */
export async function settle(settling: Settling): Promise<string> {
  let settledAt: number | null = null;
  let open = "";
  for (const until = performance.now() + settling.withinMs; performance.now() < until; await sleep(everyMs)) {
    await reconnect(settling).catch(() => undefined);
    open = await stillOpen(settling).catch(String);
    if (open !== "") settling.tick(open);
    if (open !== "") settledAt = null;
    else settledAt ??= performance.now();
    if (settledAt !== null && performance.now() - settledAt > quietMs) return "";
  }
  return open;
}

async function reconnect({ system, channels }: Settling): Promise<void> {
  const waiting = await system.collections.channels
    .find({ status: { $in: ["error", "inactive"] } })
    .toArray();
  for (const { channelId } of waiting) {
    const index = channels.find((channel) => channel.channelId === channelId)?.index ?? 0;
    await system.api(index).post(`/channels/${channelId}/connect`, {}, { Prefer: "respond-async" });
  }
}

async function stillOpen({ system: { collections }, load, listeners }: Settling): Promise<string> {
  const [commands, events, away, last] = await Promise.all([
    collections.commands.countDocuments({ state: { $in: ["queued", "running"] } }),
    collections.events.distinct("data.message", { type: "incoming_message" }),
    collections.channels.countDocuments({ status: { $ne: "active" } }),
    lastNumbers(collections),
  ]);
  const known = new Set(events);
  const missing = load.inbound.filter(({ text }) => !known.has(text)).length;
  const behind = listeners.filter((listener) => !listener.hasAll(last)).length;
  const parts = [
    [commands, "commands not final"],
    [missing, "inbound messages not in the log"],
    [away, "channels not active"],
    [behind, "clients behind the log"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ");
}

async function lastNumbers({ events }: Collections): Promise<Map<string, number>> {
  const rows = await events
    .aggregate<{ _id: string; seq: number }>([{ $group: { _id: "$channelId", seq: { $max: "$seq" } } }])
    .toArray();
  return new Map(rows.map(({ _id, seq }) => [_id, seq ?? 0]));
}
