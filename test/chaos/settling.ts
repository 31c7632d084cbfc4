import { sleep } from "../../shared/sleep.ts";
import type { ChaosChannel } from "./channels.ts";
import type { Load } from "./load.ts";
import type { System } from "./system.ts";

const everyMs = 1_000;
/** What is settled stays so for this long: a late second event would still be seen. */
const quietMs = 3_000;

/** Everything whole again: no fault left, every process up, the database with all its members. */
export async function mendAll({ sandbox, functions, connectors, mongo }: System): Promise<void> {
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

/**
 * Waits until every accepted send is final and every inbound message is in the log, or `withinMs` is over. What waits
 * for a person gets one: channels in `error` are connected again. Resolves with what is still open.
 */
export async function settle(
  system: System,
  channels: readonly ChaosChannel[],
  load: Load,
  withinMs: number,
  progress: (open: string) => void,
): Promise<string> {
  let isSettledSince: number | null = null;
  let open = "";
  for (const until = performance.now() + withinMs; performance.now() < until; await sleep(everyMs)) {
    await reconnect(system, channels).catch(() => undefined);
    open = await stillOpen(system, load).catch(String);
    progress(open);
    if (open !== "") isSettledSince = null;
    else isSettledSince ??= performance.now();
    if (isSettledSince !== null && performance.now() - isSettledSince > quietMs) return "";
  }
  return open;
}

async function reconnect(system: System, channels: readonly ChaosChannel[]): Promise<void> {
  const waiting = await system.collections.channels
    .find({ status: { $in: ["error", "inactive"] } })
    .toArray();
  for (const { channelId } of waiting) {
    const index = channels.find((channel) => channel.channelId === channelId)?.index ?? 0;
    await system.api(index).post(`/channels/${channelId}/connect`, {}, { Prefer: "respond-async" });
  }
}

async function stillOpen({ collections }: System, { inbound }: Load): Promise<string> {
  const [commands, events, away] = await Promise.all([
    collections.commands.countDocuments({ state: { $in: ["queued", "running"] } }),
    collections.events.distinct("data.message", { type: "incoming_message" }),
    collections.channels.countDocuments({ status: { $ne: "active" } }),
  ]);
  const known = new Set(events);
  const missing = inbound.filter(({ text }) => !known.has(text)).length;
  const parts = [
    [commands, "commands not final"],
    [missing, "inbound messages not in the log"],
    [away, "channels not active"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ");
}
