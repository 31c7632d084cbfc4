import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import { costs } from "./sending.ts";
import { quantile } from "./statistics.ts";
import type { Subject } from "./subject.ts";

const quietMs = 800;
const progressMs = 20_000;
const pollMs = 20;

/** Messages as the client heard them, in order. */
interface Heard {
  id: string;
  text: string;
  atMs: number;
}

/** Notes every message until it is disposed of. */
function listen({ program }: Subject): Disposable & { heard: Heard[] } {
  const heard: Heard[] = [];
  const listening = program.client.listen((name, data, atMs) => {
    if (name !== "incoming_message") return;
    heard.push({ id: data.messageId ?? "", text: data.message ?? "", atMs });
  });
  return { heard, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}

/** Waits until nothing is missing. Throws when that makes no progress any more. */
async function untilNone(what: string, missing: () => number | Promise<number>): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let end = nowMs() + progressMs; nowMs() < end; await delay(pollMs)) {
    const now = await missing();
    if (now <= 0) return;
    if (now < least) end = nowMs() + progressMs;
    least = Math.min(least, now);
  }
  throw new Error(`${least} messages were not ${what}`);
}

/** One message after the other: from the moment it leaves WhatsApp until the client has it. */
export async function measureAlone(subject: Subject, count: number): Promise<Record<string, number>> {
  const [channel] = subject.channels;
  await subject.sandbox("takeDelivered");
  using listening = listen(subject);
  const before = await subject.program.usage();
  for (let index = 0; index < count; index++) {
    const text = `alone ${index}`;
    const arrived = subject.program.client.heard(
      (name, { message }) => name === "incoming_message" && message === text,
    );
    await subject.sandbox("sendText", subject.contact(0), channel?.phoneNumber ?? "", text);
    await arrived;
  }
  await delay(quietMs);
  const after = await subject.program.usage();
  const left = new Map(await subject.sandbox("takeDelivered"));
  const latencies = listening.heard.map(({ id, atMs }) => atMs - (left.get(id) ?? Number.NaN));
  return { ...costs(before, after, count), p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** Everything at once, from several contacts, until WhatsApp has the last receipt. */
export async function measureFlood(
  subject: Subject,
  contacts: number,
  each: number,
): Promise<Record<string, number>> {
  const [channel] = subject.channels;
  const total = contacts * each;
  const from = Array.from({ length: contacts }, (_, index) => subject.contact(index));
  await subject.sandbox("takeDelivered");
  using listening = listen(subject);
  const before = await subject.program.usage();
  await subject.sandbox("flood", from, channel?.phoneNumber ?? "", each);
  await untilNone("received", () => total - listening.heard.length);
  await untilNone("receipted", () => subject.sandbox("unconfirmed"));
  await delay(quietMs);
  const after = await subject.program.usage();
  const left = (await subject.sandbox("takeDelivered")).map(([, atMs]) => atMs);
  const heardAt = listening.heard.map(({ atMs }) => atMs);
  return {
    ...costs(before, after, total),
    rate: (total / (Math.max(...heardAt) - Math.min(...left))) * 1_000,
    outOfOrder: outOfOrder(listening.heard.map(({ text }) => text)),
  };
}

/** How many texts, `contact number`, came after a later one of their contact. */
export function outOfOrder(texts: readonly string[]): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const text of texts) {
    const [contact = "", number] = text.split(" ");
    const before = last.get(contact) ?? -1;
    if (Number(number) < before) count++;
    last.set(contact, Math.max(before, Number(number)));
  }
  return count;
}
