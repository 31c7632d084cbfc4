import type { ScenarioName } from "./metrics.ts";
import { measureAlone, measureFlood } from "./receiving.ts";
import { type Chat, chats, measureSends, sendFirstMessages, sendIn } from "./sending.ts";
import { median } from "./statistics.ts";
import type { Subject } from "./subject.ts";

/** A scenario that needs a few linked channels. */
interface Scenario {
  channels: number;
  /** Runs once before the first round, so that no round pays for compilation and first contacts. */
  warmUp(subject: Subject): Promise<unknown>;
  /** Runs once a round. */
  measure(subject: Subject): Promise<Record<string, number>>;
}

const pairings = 10;
const forMs = 6_000;
/** How long a count of messages may take on a busy machine. */
const patienceMs = 10_000;
const aloneSends = 150;
const aloneReceived = 80;
const floodContacts = 20;
const floodEach = 25;

const oneChat = (subject: Subject) => chats(subject, 1, 1);
const twentyDeep = (subject: Subject) => chats(subject, 1, 20);
const eighty = (subject: Subject) => chats(subject, 20, 4);

async function warmUp(subject: Subject, all: readonly Chat[]): Promise<void> {
  await sendFirstMessages(subject, all);
  await sendIn(subject, all, { forMs: patienceMs, count: 500 });
}

const sendAlone: Scenario = {
  channels: 1,
  warmUp: (subject) => sendIn(subject, oneChat(subject), { forMs: patienceMs, count: 300 }),
  measure: (subject) => measureSends(subject, oneChat(subject), { forMs: patienceMs, count: aloneSends }),
};

/** `idle` and `restart` are not here: their channels must be the program's only ones. */
export const scenarios: Record<Exclude<ScenarioName, "idle" | "restart">, Scenario> = {
  pair: {
    channels: 0,
    warmUp: (subject) => subject.pairUntil(5),
    async measure(subject) {
      const all = [];
      for (let index = 0; index < pairings; index++) all.push(await subject.pair());
      return {
        qrMs: median(all.map(({ qrMs }) => qrMs)),
        connectedMs: median(all.map(({ connectedMs }) => connectedMs)),
      };
    },
  },
  send: sendAlone,
  "send-20": {
    channels: 1,
    warmUp: (subject) => warmUp(subject, twentyDeep(subject)),
    measure: (subject) => measureSends(subject, twentyDeep(subject), { forMs }),
  },
  "send-20x4": {
    channels: 20,
    warmUp: (subject) => warmUp(subject, eighty(subject)),
    measure: (subject) => measureSends(subject, eighty(subject), { forMs }),
  },
  receive: {
    channels: 1,
    warmUp: (subject) => measureFlood(subject, floodContacts, floodEach),
    async measure(subject) {
      const { p50, p99, commands } = await measureAlone(subject, aloneReceived);
      const flood = await measureFlood(subject, floodContacts, floodEach);
      return {
        ...flood,
        p50: p50 ?? Number.NaN,
        p99: p99 ?? Number.NaN,
        aloneCommands: commands ?? Number.NaN,
      };
    },
  },
  split: sendAlone,
};
