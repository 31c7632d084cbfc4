import type { Collections } from "#shared/database.ts";
import { sleep } from "#shared/sleep.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Load } from "./load.ts";
import { plural } from "./plural.ts";
import type { EventClient } from "./socket-clients.ts";

const everyMs = 1_000;
/** Everything must stay final for this long, so that a late duplicate event is still noticed. */
const quietMs = 3_000;

/** Undoes every fault; resolves once every process listens and all members of the database are up. */
export async function clearFaults({
  sandbox,
  functions,
  connectors,
  mongo,
}: SupervisedProcesses): Promise<void> {
  sandbox.faults.clear();
  for (const each of new Set([...functions, ...connectors])) {
    each.database.mend();
    await each.whatsapp?.mend();
    each.launch();
    each.signal("SIGCONT");
  }
  await mongo.whole();
  await Promise.all([...functions, ...connectors].map((each) => each.listening()));
}

export interface DrainOptions {
  system: SupervisedProcesses;
  channels: readonly ChaosChannel[];
  load: Load;
  clients: readonly EventClient[];
  withinMs: number;
  tick(line: string): void;
}

/**
 * Waits, for at most `withinMs`, until every accepted send is final, every inbound message is in the log and every client
 * has every event. Reconnects channels in `error`, as a person would, except those that must come back by themselves. Resolves with what is still unfinished, or "".
 */
export async function drain(options: DrainOptions): Promise<string> {
  let finalSince: number | null = null;
  let unfinished = "";
  for (const until = performance.now() + options.withinMs; performance.now() < until; await sleep(everyMs)) {
    await reconnect(options).catch(() => undefined);
    unfinished = await describeUnfinished(options).catch(String);
    if (unfinished !== "") options.tick(`draining: ${unfinished}`);
    if (unfinished !== "") finalSince = null;
    else finalSince ??= performance.now();
    if (finalSince !== null && performance.now() - finalSince > quietMs) return "";
  }
  return unfinished;
}

async function reconnect({ system, channels }: DrainOptions): Promise<void> {
  const waiting = await system.collections.channels
    .find({
      ...among(channels),
      status: { $in: ["error", "inactive"] },
      reason: { $ne: "credentials_unreadable" },
    })
    .toArray();
  for (const { channelId } of waiting) {
    const index = channels.find((channel) => channel.channelId === channelId)?.index ?? 0;
    await system.api(index).post(`/channels/${channelId}/connect`, {}, { Prefer: "respond-async" });
  }
}

async function describeUnfinished({
  system: { collections },
  channels,
  load,
  clients,
}: DrainOptions): Promise<string> {
  const [commands, events, away, last] = await Promise.all([
    collections.commands.countDocuments({ state: { $in: ["queued", "running"] } }),
    collections.events.distinct("data.message", { type: "incoming_message" }),
    collections.channels.countDocuments({ ...among(channels), status: { $ne: "active" } }),
    lastNumbers(collections, channels),
  ]);
  const known = new Set(events);
  const missing = load.inbound.filter(({ text }) => !known.has(text)).length;
  const behind = clients.filter((client) => !client.hasAll(last)).length;
  const parts = [
    [commands, "command", "not final"],
    [missing, "inbound message", "not in the log"],
    [away, "channel", "not active"],
    [behind, "client", "behind the log"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, noun, problem]) => `${plural(count, noun)} ${problem}`)
    .join(", ");
}

/** Leaves out the channels that are linked only to be unlinked. */
const among = (channels: readonly ChaosChannel[]) => ({
  channelId: { $in: channels.map(({ channelId }) => channelId) },
});

async function lastNumbers(
  { events }: Collections,
  channels: readonly ChaosChannel[],
): Promise<Map<string, number>> {
  const rows = await events
    .aggregate<{ _id: string; seq: number }>([
      { $match: among(channels) },
      { $group: { _id: "$channelId", seq: { $max: "$seq" } } },
    ])
    .toArray();
  return new Map(rows.map(({ _id, seq }) => [_id, seq ?? 0]));
}
