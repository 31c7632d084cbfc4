import { expect, onTestFinished, test } from "vitest";
import { drainLease, endLease, insertLease, renewLease } from "#connector/ownership/connector-lease-store.ts";
import { declareDead } from "#connector/ownership/dead-connectors.ts";
import { acquire, handOver, release } from "#connector/ownership/ownership.ts";
import { listenToOwnership } from "#connector/ownership/ownership-doorbell.ts";
import { changesOf } from "#test/support/changes-of.ts";
import { channelDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

/** Listens until the end of the test. Resolves to the list of rings once the stream is open. */
async function listening() {
  const rings: string[] = [];
  const abort = new AbortController();
  const opened = Promise.withResolvers<void>();
  const changes = changesOf(file.database.db);
  listenToOwnership({
    changes,
    freed: (channelId) => rings.push(`freed ${channelId}`),
    membersChanged: (connectorId) => rings.push(`members ${connectorId}`),
    signal: abort.signal,
  });
  onTestFinished(() => abort.abort());
  const changed = () => undefined;
  changes.listen({ topics: ["channel_freed"], opened: opened.resolve, changed }, abort.signal);
  await opened.promise;
  return rings;
}

test("the doorbell rings for released channels and for connectors that join, drain or die, in write order", async () => {
  const { connectors, channels } = file.all;
  const rings = await listening();
  const row = { name: "one", capacity: 5, masterKeyIds: [], leaseMs: 60_000 };
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
  await eventually(() => rings.length >= expected.length);
  expect(rings).toEqual(expected);
});
