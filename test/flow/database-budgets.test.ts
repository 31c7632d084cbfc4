import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandTap, commandTap } from "../support/command-tap.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";
import {
  type AuthWrites,
  budgets,
  combined,
  describe as described,
  exceeded,
  quiet,
  type Spent,
  spent,
  watchAuth,
} from "./database-budgets.fixture.ts";

const phoneNumber = "15550100071";
const contact = "15550100072";
const contacts = Array.from({ length: 20 }, (_, index) => `155501007${String(index).padStart(3, "0")}`);
const times = 10;
/** Nothing happens by itself meanwhile, so every command is counted for what asked for it. */
const timings = { leaseMs: 3_600_000, renewMs: 1_200_000, deadCheckMs: 1_200_000, sweepMs: 1_200_000 };

let database: TestDatabase;
let tap: CommandTap;
let system: OneProcess;
let channel: TestChannel;
let auth: ReturnType<typeof watchAuth>;

beforeAll(async () => {
  database = await testDatabase();
  tap = await commandTap(database.uri);
  system = await startSystem({ database: tap, timings });
  auth = watchAuth(database.db);
});

afterAll(async () => {
  await auth[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
  await tap[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Runs `work` and counts what it writes to the auth state. */
async function authWritesOf(work: () => Promise<unknown>): Promise<AuthWrites> {
  auth.reset();
  await work();
  await quiet(tap);
  return auth.written;
}

/** Fails when the budget of this name is exceeded, and then tells all that was asked for. */
function expectWithin(name: keyof typeof budgets, measured: Spent): void {
  expect(exceeded(measured, budgets[name]), described(tap.commands, measured)).toEqual([]);
}

/** The cost of one of `count` pieces of work that run at once. */
async function share(count: number, work: () => Promise<unknown>): Promise<Spent> {
  await quiet(tap);
  tap.reset();
  await work();
  await quiet(tap);
  return combined([spent(tap.commands)], ([all = 0]) => all / count);
}

const send = (to = contact) =>
  system.api().post(`/channels/${channel.channelId}/send`, { to, message: "Hello" });

/** Sends, and waits until the contact's phone has confirmed the message. */
async function sendDelivered(): Promise<string> {
  const { body } = await send();
  const { messageId } = body.payload;
  await becomes(messageId, "delivered");
  return messageId;
}

const becomes = (messageId: string, status: string) =>
  eventually(() => system.collections.events.findOne({ "data.messageId": messageId, "data.status": status }));

const published = () => system.collections.events.countDocuments({ type: "incoming_message" });

test("a pairing writes each key once and the credentials a few times", async () => {
  const { rows, bytes, commits } = await authWritesOf(async () => {
    channel = await pairedChannel(system, phoneNumber);
  });
  expect(rows["pre-key"]).toBe(5);
  expect(rows.session).toBeLessThanOrEqual(2);
  expect(commits).toBeLessThanOrEqual(15);
  expect(bytes).toBeLessThan(24_000);
}, 120_000);

test("a text to a known contact writes at most two ratchets and 3.5 KB, usually in one commit", async () => {
  await send();
  const { rows, bytes, commits } = await authWritesOf(async () => {
    for (let sent = 0; sent < times; sent++) expect((await send()).status).toBe(200);
  });
  expect(rows.session).toBeLessThanOrEqual(2 * times);
  expect(commits).toBeLessThanOrEqual(times * 1.5);
  expect(bytes / times).toBeLessThan(3_584);
}, 120_000);

test("an incoming text writes its ratchet and its journal row, at most 1.5 KB", async () => {
  const person = system.sandbox.account(contact);
  await authWritesOf(async () => {
    await person.sendText(phoneNumber, "first");
    await eventually(async () => (await published()) === 1);
  });
  const { rows, bytes } = await authWritesOf(async () => {
    for (let sent = 0; sent < times; sent++) await person.sendText(phoneNumber, `text ${sent}`);
    await eventually(async () => (await published()) === times + 1);
  });
  expect(rows.inbound).toBe(times);
  // Messages that arrive together share a ratchet's write.
  expect(rows.session).toBeLessThanOrEqual(times);
  expect(bytes / times).toBeLessThan(1_536);
}, 120_000);

test("a connected channel without traffic writes nothing", async () => {
  expect((await authWritesOf(async () => undefined)).commits).toBe(0);
}, 120_000);

test("a send alone stays within its budget", async () => {
  await sendDelivered();
  const one = await share(times, async () => {
    for (let sent = 0; sent < times; sent++) await sendDelivered();
  });
  expectWithin("a send alone", one);
}, 120_000);

test("a send with 19 others in flight stays within its budget", async () => {
  await Promise.all(contacts.map(send));
  const rounds = 3;
  const one = await share(rounds * contacts.length, () =>
    Promise.all(
      contacts.map(async (to) => {
        for (let round = 0; round < rounds; round++) await send(to);
      }),
    ),
  );
  expectWithin("a send with 19 others in flight", one);
}, 120_000);

test("a message received alone stays within its budget", async () => {
  const person = system.sandbox.account(contact);
  const one = await share(times, async () => {
    for (let received = 0; received < times; received++) {
      const before = await published();
      await person.sendText(phoneNumber, "alone");
      await eventually(async () => (await published()) > before);
    }
  });
  expectWithin("a message received alone", one);
}, 120_000);

test("a message received in a flood stays within its budget", async () => {
  const people = contacts.map((one) => system.sandbox.account(one));
  const rounds = 5;
  const flood = async () => {
    const before = await published();
    await Promise.all(
      people.map(async (person) => {
        for (let round = 0; round < rounds; round++) await person.sendText(phoneNumber, `flood ${round}`);
      }),
    );
    await eventually(async () => (await published()) === before + rounds * people.length);
  };
  await flood();
  expectWithin("a message received in a flood", await share(rounds * people.length, flood));
}, 120_000);

test("a receipt stays within its budget", async () => {
  const person = system.sandbox.account(contact);
  const sent: string[] = [];
  for (let message = 0; message < times; message++) sent.push(await sendDelivered());
  const one = await share(times, async () => {
    for (const messageId of sent) {
      person.markRead(messageId);
      await becomes(messageId, "read");
    }
  });
  expectWithin("a receipt", one);
}, 120_000);

test("a takeover stays within its budget", async () => {
  const takeovers = async (): Promise<Spent> => {
    await system.stop();
    tap.reset();
    await system.start();
    await eventually(
      async () =>
        (await system.collections.channels.countDocuments({ status: { $ne: "active" } })) === 0 &&
        system.sandbox.accounts().every((one) => one.devices().every(({ isConnected }) => isConnected)),
    );
    await quiet(tap);
    return spent(tap.commands);
  };
  const added = 4;
  const ofOne = await takeovers();
  for (let index = 0; index < added; index++) await pairedChannel(system, `1555010073${index}`);
  // The first login after a pairing writes more.
  await takeovers();
  const ofAll = await takeovers();
  // The difference is without what a start costs by itself.
  const one = combined([ofOne, ofAll], ([first = 0, last = 0]) => (last - first) / added);
  expectWithin("a takeover", one);
}, 120_000);
