import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import type { Usage } from "./program.ts";
import type { Subject } from "./subject.ts";

const settleMs = 3_000;
const idleMs = 8_000;
const backMs = 120_000;
const pollMs = 10;

/** Seconds from SIGKILL until WhatsApp has every channel back, the start of the program included. */
export async function measureRestart(subject: Subject): Promise<Record<string, number>> {
  const { program, channels, sandbox } = subject;
  const phones = channels.map(({ phoneNumber }) => phoneNumber);
  const killedAt = await program.kill();
  const back = async (isDone: (count: number) => boolean) => {
    for (const until = nowMs() + backMs; !isDone(await sandbox("connected", phones)); await delay(pollMs)) {
      if (nowMs() > until) throw new Error(`${program.name}: not all channels are back`);
    }
  };
  await back((count) => count === 0);
  await program.launch();
  await back((count) => count === phones.length);
  return { backS: (nowMs() - killedAt) / 1_000 };
}

export type Memory = Awaited<ReturnType<Subject["program"]["memory"]>>;

/** The cost of an idle channel to which a client is subscribed. `empty` is the program without channels. */
export async function measureIdle(subject: Subject, empty: Memory): Promise<Record<string, number>> {
  const { program, channels } = subject;
  for (const { channelId } of channels) await program.client.subscribe(channelId);
  await delay(settleMs);
  const memory = await program.memory();
  await delay(settleMs);
  const before = await program.usage();
  const startedAt = nowMs();
  await delay(idleMs);
  const after = await program.usage();
  const each = (first: number, last: number) => (last - first) / channels.length;
  return {
    ...idleCosts(before, after, (nowMs() - startedAt) / 1_000, channels.length),
    liveKb: each(empty.liveKb, memory.liveKb),
    residentKb: each(empty.residentKb, memory.residentKb),
    databaseKb: each(empty.databaseKb, memory.databaseKb),
  };
}

function idleCosts(before: Usage, after: Usage, seconds: number, channels: number): Record<string, number> {
  const perSecond = (name: string) => ((after.commands[name] ?? 0) - (before.commands[name] ?? 0)) / seconds;
  const names = Object.keys(after.commands).filter((name) => name !== "getMore");
  return {
    gatewayPercent: (after.gatewayMs - before.gatewayMs) / seconds / 10,
    databasePercent: (after.databaseMs - before.databaseMs) / seconds / 10,
    findsPerChannel: (perSecond("find") + perSecond("aggregate")) / channels,
    commandsPerSecond: names.reduce((sum, name) => sum + perSecond(name), 0),
    getMoresPerSecond: perSecond("getMore"),
  };
}
