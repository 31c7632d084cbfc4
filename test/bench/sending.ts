import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import type { Usage } from "./program.ts";
import { quantile } from "./statistics.ts";
import type { Subject } from "./subject.ts";

/** A chat in which one message is in flight at a time. */
export interface Chat {
  channelId: string;
  to: string;
}

interface Sent {
  /** Null when the gateway refused to send it, or did not manage to. */
  id: string | null;
  askedAt: number;
  answeredAt: number;
}

const quietMs = 800;
/** How long after the last arrival a message counts as lost. */
const arrivalMs = 5_000;
const pollMs = 50;

/** `wide` channels with `deep` contacts each. */
export function chats(subject: Subject, wide: number, deep: number): Chat[] {
  return subject.channels
    .slice(0, wide)
    .flatMap(({ channelId }) =>
      Array.from({ length: deep }, (_, index) => ({ channelId, to: subject.contact(index) })),
    );
}

/**
 * Sends the first message of each chat, one after the other: when a device sends its first messages to several contacts at
 * once, Baileys may lose one with "All encryptions failed".
 */
export async function sendFirstMessages({ program }: Subject, all: readonly Chat[]): Promise<void> {
  for (const { channelId, to } of all) await program.client.send(channelId, to, "Hello");
}

/** Sends in all chats at once, in each as soon as the last message was answered, for `forMs` or until `count` are sent. */
export async function sendIn(
  { program }: Subject,
  all: readonly Chat[],
  { forMs, count = Number.POSITIVE_INFINITY }: { forMs: number; count?: number },
): Promise<Sent[]> {
  const sent: Sent[] = [];
  let left = count;
  const until = nowMs() + forMs;
  const work = async ({ channelId, to }: Chat) => {
    while (nowMs() < until && left-- > 0) {
      const askedAt = nowMs();
      const id = await program.client.send(channelId, to, `Hello ${left}`);
      sent.push({ id, askedAt, answeredAt: nowMs() });
    }
  };
  await Promise.all(all.map(work));
  return sent;
}

/** Sends, and measures until everything that follows the last message is done. */
export async function measureSends(
  subject: Subject,
  all: readonly Chat[],
  limits: { forMs: number; count?: number },
): Promise<Record<string, number>> {
  await subject.sandbox("takeSent");
  const before = await subject.program.usage();
  const startedAt = nowMs();
  const sent = await sendIn(subject, all, limits);
  const arrivedAt = await arrivals(subject, sent);
  await delay(quietMs);
  const perMessage = costs(before, await subject.program.usage(), arrivedAt.size);
  const wireMs = sent.flatMap(({ id, askedAt }) => {
    const at = arrivedAt.get(id ?? "");
    return at === undefined ? [] : [at - askedAt];
  });
  const answeredMs = sent.map(({ askedAt, answeredAt }) => answeredAt - askedAt);
  const lastAt = Math.max(...arrivedAt.values(), ...sent.map(({ answeredAt }) => answeredAt));
  return {
    ...perMessage,
    rate: (arrivedAt.size / (lastAt - startedAt)) * 1_000,
    wireP50: quantile(wireMs, 0.5),
    wireP99: quantile(wireMs, 0.99),
    answeredP50: quantile(answeredMs, 0.5),
    lost: sent.length - arrivedAt.size,
  };
}

/** Waits until all have reached WhatsApp, or no more do; an answer may come earlier. */
async function arrivals(subject: Subject, sent: readonly Sent[]): Promise<Map<string, number>> {
  const expected = new Set(sent.map(({ id }) => id));
  const at = new Map<string, number>();
  for (let until = nowMs() + arrivalMs; at.size < sent.length && nowMs() < until; await delay(pollMs)) {
    for (const [id, ms] of await subject.sandbox("takeSent")) {
      if (!expected.has(id)) continue;
      at.set(id, ms);
      until = nowMs() + arrivalMs;
    }
  }
  return at;
}

/** CPU time and commands per message. */
export function costs(before: Usage, after: Usage, messages: number): Record<string, number> {
  const per = (first: number, last: number) => (last - first) / messages;
  let all = 0;
  for (const [name, count] of Object.entries(after.commands)) {
    if (name !== "getMore") all += count - (before.commands[name] ?? 0);
  }
  return {
    cpuMs: per(before.gatewayMs + before.databaseMs, after.gatewayMs + after.databaseMs),
    gatewayMs: per(before.gatewayMs, after.gatewayMs),
    databaseMs: per(before.databaseMs, after.databaseMs),
    commands: per(0, all),
    getMores: per(before.commands.getMore ?? 0, after.commands.getMore ?? 0),
  };
}
