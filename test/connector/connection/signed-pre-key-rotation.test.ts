import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BinaryNode, initAuthCreds } from "#connector/baileys/baileys.ts";
import { rotateSignedPreKeys } from "#connector/connection/signed-pre-key-rotation.ts";
import { defaultTimings } from "#connector/timings.ts";
import { quiet } from "#test/support/quiet-log.ts";

const dayMs = 86_400_000;
const accepted: BinaryNode = { tag: "iq", attrs: { type: "result" } };

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] }));
afterEach(() => void vi.useRealTimers());

/** Credentials of a linked channel. `steps` lists every durable write and every offer to WhatsApp, in order. */
function linked() {
  const creds = initAuthCreds();
  const steps: string[] = [];
  const offers: string[] = [];
  const answers: Array<BinaryNode | undefined | Error> = [];
  const auth = {
    state: { creds, keys: { get: async () => ({}), set: () => undefined } },
    save: () => undefined,
    flush: async () => void steps.push(`stored ${creds.signedPreKey.keyId}`),
  };
  const query = async ({ content }: BinaryNode) => {
    steps.push("offered");
    offers.push(JSON.stringify(content));
    const answer = answers.length > 0 ? answers.shift() : accepted;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const connect = () => {
    const connection = new AbortController();
    const wa = { query: query as never };
    rotateSignedPreKeys({
      auth,
      wa,
      timings: defaultTimings,
      gone: connection.signal,
      now: Date.now,
      log: quiet,
    });
    return connection;
  };
  const offerCount = () => steps.filter((one) => one === "offered").length;
  return { creds, steps, offers, answers, connect, offerCount };
}

test("a signed pre-key is replaced every 30 days", async () => {
  const { creds, connect, offerCount } = linked();
  connect();
  await vi.advanceTimersByTimeAsync(29.9 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([0, 1]);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(30 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([2, 3]);
});

test("an offer is stored before it is made, and the new key once WhatsApp accepts it", async () => {
  const { steps, connect } = linked();
  connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  expect(steps).toEqual(["stored 1", "stored 1", "offered", "stored 2"]);
});

test("an unanswered offer keeps the old key, and the same new key is offered a day later", async () => {
  const { creds, answers, offers, connect, offerCount } = linked();
  answers.push(undefined);
  connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(0.8 * dayMs);
  expect(offerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([2, 2]);
  expect(offers[1]).toBe(offers[0]);
});

test("an offer left unanswered by a lost connection is repeated at once on the next one", async () => {
  const { creds, answers, offers, connect } = linked();
  answers.push(new Error("Connection Closed"));
  const connection = connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  connection.abort();
  connect();
  await vi.advanceTimersByTimeAsync(0);
  expect([offers.length, creds.signedPreKey.keyId]).toEqual([2, 2]);
  expect(offers[1]).toBe(offers[0]);
  connect();
  await vi.advanceTimersByTimeAsync(dayMs);
  expect(offers).toHaveLength(2);
});

test("a refused offer keeps the old key, and no reconnect offers another within a day", async () => {
  const { creds, answers, offers, connect, offerCount } = linked();
  answers.push(Object.assign(new Error("bad-request"), { data: 400 }));
  const connection = connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  connection.abort();
  connect();
  await vi.advanceTimersByTimeAsync(0.8 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([offerCount(), creds.signedPreKey.keyId]).toEqual([2, 2]);
  expect(offers[1]).not.toBe(offers[0]);
});

test("a reconnect does not reset the age of the key", async () => {
  const { connect, offerCount } = linked();
  for (let day = 0; day < 31; day++) {
    const connection = connect();
    await vi.advanceTimersByTimeAsync(dayMs);
    connection.abort();
  }
  expect(offerCount()).toBe(1);
});

test("a lost connection offers nothing and stores nothing", async () => {
  const { connect, steps } = linked();
  connect().abort();
  await vi.advanceTimersByTimeAsync(90 * dayMs);
  expect(steps).toEqual([]);
});
