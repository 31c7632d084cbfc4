import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import type { Memory, Usage } from "./program.ts";
import type { Subject } from "./subject.ts";

const baselineChannels = 10;
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

/** The memory of a program that was restarted with a few channels, and how many these are. */
export interface Baseline {
  channels: number;
  memory: Memory;
}

/** Links the first channels. What a program and its mongod take once, they have taken with these. */
export async function measureBaseline(subject: Subject, channels: number): Promise<Baseline> {
  await subject.pairUntil(Math.min(baselineChannels, channels - 1));
  await measureRestart(subject);
  await subscribeToAll(subject);
  await delay(settleMs);
  return { channels: subject.channels.length, memory: await subject.program.memory() };
}

/** The cost of an idle channel to which a client is subscribed. */
export async function measureIdle(subject: Subject, baseline: Baseline): Promise<Record<string, number>> {
  const { program, channels } = subject;
  await subscribeToAll(subject);
  await delay(settleMs);
  const memory = await program.memory();
  await delay(settleMs);
  const before = await program.usage();
  const startedAt = nowMs();
  await delay(idleMs);
  const after = await program.usage();
  const each = (name: keyof Memory) =>
    (memory[name] - baseline.memory[name]) / (channels.length - baseline.channels);
  return {
    ...idleCosts(before, after, (nowMs() - startedAt) / 1_000, channels.length),
    liveKb: each("liveKb"),
    residentKb: each("residentKb"),
    databaseKb: each("databaseKb"),
    storedKb: each("storedKb"),
  };
}

async function subscribeToAll({ program, channels }: Subject): Promise<void> {
  for (const { channelId } of channels) await program.client.subscribe(channelId);
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
