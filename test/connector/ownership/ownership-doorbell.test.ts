import { expect, onTestFinished, test } from "vitest";
import {
  declareDead,
  drainLease,
  endLease,
  insertLease,
  renewLease,
} from "#connector/ownership/lease-store.ts";
import { acquire, handOver, release } from "#connector/ownership/ownership.ts";
import { listenToOwnership } from "#connector/ownership/ownership-doorbell.ts";
import { eventually } from "#test/support/eventually.ts";
import { channelDocument, fileDatabase, quiet } from "../connector.fixture.ts";

const file = fileDatabase();

/** Listens until the test is over. Resolves when the stream is open. */
async function listening() {
  const heard: string[] = [];
  const abort = new AbortController();
  const opened = Promise.withResolvers<void>();
  const done = listenToOwnership({
    db: file.database.db,
    freed: (channelId) => heard.push(`freed ${channelId}`),
    membersChanged: (connectorId) => heard.push(`members ${connectorId}`),
    reopened: opened.resolve,
    log: quiet,
    signal: abort.signal,
  });
  onTestFinished(async () => {
    abort.abort();
    await done;
  });
  await opened.promise;
  return heard;
}

test("rings when a channel is given back, and when connectors come, drain and die, in that order", async () => {
  const { connectors, channels } = file.all;
  const heard = await listening();
  const row = { name: "one", capacity: 5, leaseMs: 60_000 };
  await insertLease(connectors, { ...row, id: "one" });
  for (const _id of ["given", "moved"]) {
    await channels.insertOne(channelDocument({ _id }));
    await acquire(file.all, _id, "one");
    await channels.updateOne({ _id }, { $set: { status: "active", wanted: "connected" } });
  }
  await renewLease(connectors, "one", 60_000);
  await declareDead(connectors);
  await handOver(file.all, { channelId: "moved", epoch: 1 }, "one");
  await drainLease(connectors, "one");
  await release(file.all, { channelId: "given", epoch: 1 }, "one");
  await endLease(connectors, "one");
  await insertLease(connectors, { ...row, id: "two" });
  const expected = ["members one", "freed moved", "members one", "freed given", "members one", "members two"];
  await eventually(() => heard.length >= expected.length);
  expect(heard).toEqual(expected);
});
