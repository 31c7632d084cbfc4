import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BinaryNode, initAuthCreds } from "#connector/baileys/baileys.ts";
import { rotateSignedPreKeys } from "#connector/connection/signed-pre-key-rotation.ts";
import { defaultTimings } from "#connector/timings.ts";
import { quiet } from "../connector.fixture.ts";

const dayMs = 86_400_000;
const yes: BinaryNode = { tag: "iq", attrs: { type: "result" } };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Credentials, and what happens to them in order: what is durable, and what WhatsApp is asked. */
function linked() {
  const creds = initAuthCreds();
  const happened: string[] = [];
  const offers: string[] = [];
  const answers: Array<BinaryNode | undefined | Error> = [];
  const auth = {
    state: { creds, keys: { get: async () => ({}), set: () => undefined } },
    save: () => undefined,
    flush: async () => void happened.push(`kept ${creds.signedPreKey.keyId}`),
  };
  const query = async ({ content }: BinaryNode) => {
    happened.push("asked");
    offers.push(JSON.stringify(content));
    const answer = answers.length > 0 ? answers.shift() : yes;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const connect = () => {
    const connection = new AbortController();
    const wa = { query: query as never };
    rotateSignedPreKeys({ auth, wa, timings: defaultTimings, gone: connection.signal, log: quiet });
    return connection;
  };
  const asked = () => happened.filter((one) => one === "asked").length;
  return { creds, happened, offers, answers, connect, asked };
}

test("a signed pre-key is replaced after 30 days, and each 30 days from then on", async () => {
  const { creds, connect, asked } = linked();
  connect();
  await vi.advanceTimersByTimeAsync(29.9 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([0, 1]);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(30 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([2, 3]);
});

test("the attempt is known before it is made, and the key is kept once WhatsApp has it", async () => {
  const { happened, connect } = linked();
  connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  expect(happened).toEqual(["kept 1", "kept 1", "asked", "kept 2"]);
});

test("silence is no yes: the old key stays, and the same new one is offered a day later", async () => {
  const { creds, answers, offers, connect, asked } = linked();
  answers.push(undefined);
  connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(0.8 * dayMs);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([2, 2]);
  expect(offers[1]).toBe(offers[0]);
});

test("a yes that was lost with its connection is asked for at once on the next: strangers may use the key already", async () => {
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

test("a refusal is final: the old key stays, and a reconnect does not ask again before a day is over", async () => {
  const { creds, answers, offers, connect, asked } = linked();
  answers.push(Object.assign(new Error("bad-request"), { data: 400 }));
  const connection = connect();
  await vi.advanceTimersByTimeAsync(30.1 * dayMs);
  connection.abort();
  connect();
  await vi.advanceTimersByTimeAsync(0.8 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(0.2 * dayMs);
  expect([asked(), creds.signedPreKey.keyId]).toEqual([2, 2]);
  expect(offers[1]).not.toBe(offers[0]);
});

test("the age goes on through reconnects", async () => {
  const { connect, asked } = linked();
  for (let day = 0; day < 31; day++) {
    const connection = connect();
    await vi.advanceTimersByTimeAsync(dayMs);
    connection.abort();
  }
  expect(asked()).toBe(1);
});

test("a connection that is gone asks nothing and changes nothing", async () => {
  const { connect, happened } = linked();
  connect().abort();
  await vi.advanceTimersByTimeAsync(90 * dayMs);
  expect(happened).toEqual([]);
});
