import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Sessions } from "#connector/sessions.ts";
import { defaultTimings } from "#connector/timings.ts";
import { eventually } from "../support/eventually.ts";
import { channelDocument, fileDatabase, quiet } from "./connector.fixture.ts";

const file = fileDatabase();

/** The roster of a connector that may do what it wants, and who it rang. */
function roster() {
  const ended = new AbortController();
  const never = async () => undefined;
  const rung: string[] = [];
  const made = new Sessions({
    db: file.database.db,
    collections: file.all,
    channelsMax: 10,
    lease: {
      ...{ id: randomUUID(), ended: ended.signal },
      ...{ isValid: () => true, renew: never, drain: never, release: never },
    },
    config: {
      ...{ encryptionKeys: [randomBytes(32)], sendRate: 0, sendBurst: 1 },
      whatsapp: { server: null, version: null },
    },
    timings: defaultTimings,
    fetchMedia: () => Promise.reject(new Error("no media here")),
    turn: never,
    ring: (channelId) => void rung.push(channelId),
    log: quiet,
  });
  return { roster: made, rung };
}

test("a channel whose session failed is taken again after a pause, and does not wait for a sweep", async () => {
  const channel = channelDocument();
  await file.all.channels.insertOne(channel);
  const { _id } = channel;
  const here = roster();
  await here.roster.take(_id);
  here.roster.get(_id)?.fail(new Error("made up"));
  expect(here.roster.channels()).toEqual([]);
  await here.roster.take(_id);
  expect([here.roster.channels(), here.rung]).toEqual([[], []]);
  await eventually(() => here.rung.length > 0);
  expect(here.rung).toEqual([_id]);
  await here.roster.take(_id);
  expect(here.roster.channels()).toEqual([_id]);
  here.roster.abandon();
});
