import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Sessions } from "#connector/sessions.ts";
import { defaultTimings } from "#connector/timings.ts";
import { channelDocument } from "../support/documents.ts";
import { eventually } from "../support/eventually.ts";
import { quiet } from "../support/quiet-log.ts";
import { fileDatabase } from "./connector.fixture.ts";

const file = fileDatabase();

/** The sessions of a connector whose lease never ends, and the channels they rang. */
function openSessions() {
  const ended = new AbortController();
  const nothing = async () => undefined;
  const rung: string[] = [];
  const sessions = new Sessions({
    db: file.database.db,
    collections: file.all,
    channelsMax: 10,
    lease: {
      ...{ id: randomUUID(), ended: ended.signal },
      ...{ isValid: () => true, renew: nothing, drain: nothing, release: nothing },
    },
    config: {
      ...{ encryptionKeys: [randomBytes(32)], sendRate: 0, sendBurst: 1 },
      whatsapp: { server: null, version: null },
    },
    timings: defaultTimings,
    fetchMedia: () => Promise.reject(new Error("no media here")),
    turn: nothing,
    ring: (channelId) => void rung.push(channelId),
    log: quiet,
  });
  return { sessions, rung };
}

test("a channel whose session failed is taken again after a pause, without waiting for a sweep", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const { _id } = channel;
  const { sessions, rung } = openSessions();
  await sessions.take(_id);
  sessions.get(_id)?.fail(new Error("made up"));
  expect(sessions.channels()).toEqual([]);
  await sessions.take(_id);
  expect([sessions.channels(), rung]).toEqual([[], []]);
  await eventually(() => rung.length > 0);
  expect(rung).toEqual([_id]);
  await sessions.take(_id);
  expect(sessions.channels()).toEqual([_id]);
  sessions.abandon();
});
