import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { type ChangeStreamDoorbell, changeStreamDoorbell } from "#functions/events/change-stream-doorbell.ts";
import { silentDoorbell } from "#functions/events/event-doorbell.ts";
import { type ChangeHub, createChangeHub } from "#shared/change-hub.ts";
import { ServiceError } from "#shared/errors.ts";
import { eventually } from "#test/support/eventually.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
let changes: ChangeHub;
let doorbell: ChangeStreamDoorbell;

beforeAll(async () => {
  functions = await functionsFixture({
    eventDoorbell(events) {
      changes = createChangeHub({ db: events.db, log: quiet });
      doorbell = changeStreamDoorbell({ changes, signal: new AbortController().signal });
      // Without polling, an answer in time proves that the doorbell rang.
      return { ...doorbell, pausesMs: [600_000] };
    },
  });
});

afterAll(async () => {
  await changes[Symbol.asyncDispose]();
  await functions[Symbol.asyncDispose]();
});

async function addEvents(channelId: string, from: number, to: number, fixture = functions): Promise<void> {
  for (let seq = from; seq <= to; seq += 1) {
    await fixture.db.events.insertOne({
      _id: `${channelId}/${seq}`,
      channelId,
      seq,
      ord: new Timestamp({ t: 0, i: 0 }),
      type: "incoming_message",
      timestamp: new Date("2026-01-02T03:04:05.678Z"),
      data: { messageId: `M${seq}`, type: "incoming" },
    });
  }
}

function seqs(body: { payload: { seq: number }[] }): number[] {
  return body.payload.map(({ seq }) => seq);
}

describe("GET /channels/:id/events", () => {
  test("200: events have the webhook format, oldest first, with a cursor to resume from", async () => {
    const channelId = await functions.addChannel();
    await addEvents(channelId, 1, 3);
    const { status, body } = await functions.call("GET", `/channels/${channelId}/events?after=1`);
    expect([status, body.ok, body.nextCursor, seqs(body)]).toEqual([200, true, "3", [2, 3]]);
    expect(body.payload[0]).toEqual({
      id: `${channelId}/2`,
      type: "incoming_message",
      channelId,
      seq: 2,
      timestamp: "2026-01-02T03:04:05.678Z",
      data: { messageId: "M2", type: "incoming" },
    });
  });

  test("200: pages follow each other, and an empty page has a nextCursor too", async () => {
    const channelId = await functions.addChannel();
    expect((await functions.call("GET", `/channels/${channelId}/events`)).body).toEqual({
      ok: true,
      payload: [],
      nextCursor: "0",
    });
    await addEvents(channelId, 1, 5);
    const received: number[] = [];
    let after = "0";
    for (let page = 0; page < 4; page += 1) {
      const { body } = await functions.call("GET", `/channels/${channelId}/events?after=${after}&limit=2`);
      received.push(...seqs(body));
      after = body.nextCursor;
    }
    expect([received, after]).toEqual([[1, 2, 3, 4, 5], "5"]);
  });

  test("410: details say where to resume when events are no longer retained or `after` lies ahead", async () => {
    const channelId = await functions.addChannel();
    await addEvents(channelId, 7, 8);
    for (const [after, seq] of [
      [3, 6],
      [100, 8],
    ]) {
      const { status, body } = await functions.call("GET", `/channels/${channelId}/events?after=${after}`);
      expect([status, body.error.code, body.error.details]).toEqual([410, "resync_required", { seq }]);
    }
  });

  test.each(["after=-1", "after=1.5", "after=x", "after=", "limit=0", "limit=1001", "since=3"])(
    "400: ?%s is refused",
    async (query) => {
      const channelId = await functions.addChannel();
      const { status, body } = await functions.call("GET", `/channels/${channelId}/events?${query}`);
      const field = query.split("=")[0];
      expect([status, body.error.code, body.error.details[0].field]).toEqual([400, "invalid_request", field]);
    },
  );

  test("a refusal is 401 before 404 before 403 before 400", async () => {
    const channelId = await functions.addChannel();
    const path = `/channels/${channelId}/events?after=x`;
    const other = await functions.addKey({ channels: [randomUUID()] });
    const without = await functions.addKey({ scopes: ["channels:read", "messages:read"] });
    const reading = await functions.addKey({ scopes: ["events:read"] });
    const statuses = [];
    for (const key of [null, other, without, reading])
      statuses.push((await functions.call("GET", path, { key })).status);
    expect(statuses).toEqual([401, 404, 403, 400]);
  });
});

describe("GET /events", () => {
  const present = async () => (await functions.call("GET", "/events?after=now")).body.nextCursor;

  test("200: pages have the events of all channels", async () => {
    const [a, b] = [await functions.addChannel(), await functions.addChannel()];
    const now = await present();
    await addEvents(a, 1, 2);
    await addEvents(b, 1, 2);
    const first = await functions.call("GET", `/events?after=${now}&limit=3`);
    const second = await functions.call("GET", `/events?after=${first.body.nextCursor}&limit=3`);
    const received = [...first.body.payload, ...second.body.payload].map((it) => `${it.channelId}/${it.seq}`);
    expect(received).toEqual([`${a}/1`, `${a}/2`, `${b}/1`, `${b}/2`]);
    const third = await functions.call("GET", `/events?after=${second.body.nextCursor}`);
    expect([third.body.payload, typeof third.body.nextCursor]).toEqual([[], "string"]);
  });

  test("200: without `after`, the list starts at the oldest event retained", async () => {
    const channelId = await functions.addChannel();
    await addEvents(channelId, 1, 1);
    const { body } = await functions.call("GET", "/events?limit=1000");
    const { body: again } = await functions.call("GET", "/events?limit=1");
    expect(again.payload).toEqual([body.payload[0]]);
    expect(body.payload.at(-1).channelId).toBe(channelId);
  });

  test("200: a limited key gets only the events of its channels", async () => {
    const [mine, other] = [await functions.addChannel(), await functions.addChannel()];
    const key = await functions.addKey({ scopes: ["events:read"], channels: [mine] });
    await addEvents(other, 1, 2);
    await addEvents(mine, 1, 1);
    const { body } = await functions.call("GET", "/events", { key });
    expect(body.payload.map(({ id }: { id: string }) => id)).toEqual([`${mine}/1`]);
  });

  test("410: details have the cursor to resume from when retention has removed events", async () => {
    const ancient = Buffer.alloc(17);
    ancient.writeUInt8(1, 0);
    const channelId = await functions.addChannel();
    await addEvents(channelId, 1, 1);
    const { status, body } = await functions.call("GET", `/events?after=${ancient.toString("base64url")}`);
    expect([status, body.error.code]).toEqual([410, "resync_required"]);
    const further = await functions.call("GET", `/events?after=${body.error.details.cursor}&limit=1000`);
    expect(further.body.payload.at(-1).id).toBe(`${channelId}/1`);
  });

  test("400, 403, 401: an invalid cursor, a missing scope and a missing key are refused", async () => {
    const key = await functions.addKey({ scopes: ["messages:read"] });
    const answers = [
      await functions.call("GET", "/events?after=17"),
      await functions.call("GET", "/events?limit=1001"),
      await functions.call("GET", "/events?after=17", { key }),
      await functions.call("GET", "/events", { key: null }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 403, 401]);
    expect(answers[0]?.body.error.details[0].field).toBe("after");
  });
});

describe("Prefer: wait", () => {
  const headers = { prefer: "wait=30" };

  test("an existing event is returned at once", async () => {
    const channelId = await functions.addChannel();
    await addEvents(channelId, 1, 1);
    const { body, headers: answer } = await functions.call("GET", `/channels/${channelId}/events`, {
      headers,
    });
    expect([seqs(body), answer.get("preference-applied")]).toEqual([[1], "wait=30"]);
  });

  test("a new event ends the waits for its channel and for all channels", async () => {
    const channelId = await functions.addChannel();
    const now = (await functions.call("GET", "/events?after=now")).body.nextCursor;
    const waits = [
      functions.call("GET", `/channels/${channelId}/events?after=0`, { headers }),
      functions.call("GET", `/events?after=${now}`, { headers }),
      functions.call("GET", "/events?after=now", { headers }),
    ];
    await eventually(() => doorbell.listeners === 3);
    await addEvents(channelId, 1, 1);
    for (const { body } of await Promise.all(waits)) expect(seqs(body)).toEqual([1]);
    await eventually(() => doorbell.listeners === 0);
  });

  test("a reader that waits page after page while many write gets every event once, in order per channel", async () => {
    const channelIds = Array.from({ length: 12 }, () => randomUUID());
    const each = 60;
    const received = new Map<string, number[]>(channelIds.map((channelId) => [channelId, []]));
    let after: string = (await functions.call("GET", "/events?after=now")).body.nextCursor;
    const writing = Promise.all(
      channelIds.map(async (channelId) => {
        const log = await openEventLog(functions.db.events, { channelId, epoch: 1 });
        for (let written = 0; written < each; written += 1)
          await log.publish("message_status_update", { messageId: "M", status: "sent" });
      }),
    );
    for (let count = 0; count < channelIds.length * each; ) {
      const { body } = await functions.call("GET", `/events?after=${after}&limit=100`, { headers });
      expect(body.payload.length).toBeGreaterThan(0);
      for (const { channelId, seq } of body.payload) received.get(channelId)?.push(seq);
      count += body.payload.length;
      after = body.nextCursor;
    }
    await writing;
    for (const seqs of received.values())
      expect(seqs).toEqual(Array.from({ length: each }, (_, index) => index + 1));
  }, 120_000);

  test("an event of another channel does not end the wait", async () => {
    const [mine, other] = [await functions.addChannel(), await functions.addChannel()];
    const wait = functions.call("GET", `/channels/${mine}/events?after=0`, { headers });
    await eventually(() => doorbell.listeners === 1);
    await addEvents(other, 1, 2);
    await addEvents(mine, 1, 1);
    expect(seqs((await wait).body)).toEqual([1]);
  });

  test("a wait without events ends with an empty page, a nextCursor and no listener", async () => {
    const channelId = await functions.addChannel();
    await addEvents(channelId, 1, 1);
    const {
      status,
      body,
      headers: answer,
    } = await functions.call("GET", `/channels/${channelId}/events?after=1`, {
      headers: { prefer: "wait=1" },
    });
    expect([status, body]).toEqual([200, { ok: true, payload: [], nextCursor: "1" }]);
    expect([answer.get("preference-applied"), doorbell.listeners]).toEqual(["wait=1", 0]);
  });

  test("a request that its client aborts stops listening", async () => {
    const channelId = await functions.addChannel();
    const key = await functions.addKey();
    const client = new AbortController();
    const url = `http://functions/api/whatsapp/channels/${channelId}/events?after=0`;
    const request = new Request(url, { headers: { ...headers, "x-api-key": key }, signal: client.signal });
    const answer = functions.fetch(request);
    await eventually(() => doorbell.listeners === 1);
    client.abort();
    await eventually(() => doorbell.listeners === 0);
    await answer;
  });

  test("a wait polls where the doorbell never rings, as on serverless runtimes", async () => {
    await using serverless = await functionsFixture({ eventDoorbell: () => silentDoorbell });
    const channelId = await serverless.addChannel();
    const wait = serverless.call("GET", `/channels/${channelId}/events?after=0`, { headers });
    await addEvents(channelId, 1, 1, serverless);
    expect(seqs((await wait).body)).toEqual([1]);
  });

  test("a doorbell that stops ends every wait with what is known", async () => {
    const stopping = new AbortController();
    const own: ChangeStreamDoorbell[] = [];
    await using stopped = await functionsFixture({
      eventDoorbell() {
        own.push(changeStreamDoorbell({ changes, signal: stopping.signal }));
        return own[0] ?? silentDoorbell;
      },
    });
    const channelId = await stopped.addChannel();
    const wait = stopped.call("GET", `/channels/${channelId}/events?after=0`, { headers });
    await eventually(() => own[0]?.listeners === 1);
    stopping.abort();
    expect((await wait).body).toEqual({ ok: true, payload: [], nextCursor: "0" });
  });

  test("a wait outlasts an outage of the database that begins after its first read; a new request answers 503", async () => {
    let [isAway, reads, refused] = [false, 0, 0];
    const away = () => {
      refused += 1;
      return Promise.reject(new ServiceError("database_unavailable"));
    };
    await using broken = await functionsFixture({
      eventDoorbell: () => ({ pausesMs: [10] }),
      withStore: (store) => ({
        ...store,
        async readChannelEvents(query) {
          const page = await (isAway ? away() : store.readChannelEvents(query));
          reads += 1;
          return page;
        },
      }),
    });
    const channelId = await broken.addChannel();
    const path = `/channels/${channelId}/events?after=0`;
    const wait = broken.call("GET", path, { headers });
    await eventually(() => reads > 0);
    isAway = true;
    await eventually(() => refused > 0);
    await addEvents(channelId, 1, 1, broken);
    expect((await broken.call("GET", path, { headers })).status).toBe(503);
    isAway = false;
    expect(seqs((await wait).body)).toEqual([1]);
  });
});
