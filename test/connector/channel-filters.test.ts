import { randomUUID } from "node:crypto";
import type { Document } from "mongodb";
import { expect, test } from "vitest";
import { createMessageStore } from "#connector/messages/message-store.ts";
import { keyPair, open, pair } from "./auth/auth.fixture.ts";
import { fileDatabase } from "./connector.fixture.ts";
import { sentText, testSeal } from "./messages/messages.fixture.ts";

const file = fileDatabase();

/** Every filter in a profiled command. */
function filtersOf({ command }: Document): Document[] {
  const { filter, q, query, updates = [], deletes = [] } = command as Document;
  return [filter, q, query, ...[...updates, ...deletes].map((one: Document) => one.q)].filter(Boolean);
}

test("every filter on keys, credentials and messages names the channel, by which they could be sharded", async () => {
  const { db } = file.database;
  const channelId = randomUUID();
  await db.command({ profile: 2 });
  for (const epoch of [1, 2]) {
    await using auth = await open(db, { channelId, epoch });
    if (epoch === 1) await auth.create();
    if (epoch === 1) pair(auth.state.creds);
    auth.save();
    await auth.state.keys.set({ "pre-key": { "1": keyPair() }, "lid-mapping": { pn: "lid" } });
    auth.state.creds.nextPreKeyId += 1;
    auth.save();
    await auth.flush();
    await auth.state.keys.get("pre-key", ["1", "2"]);
    await auth.state.keys.set({ "pre-key": { "1": null } });
    await auth.journaled();
    if (epoch === 2) await auth.erase();
  }
  const store = createMessageStore(file.all, channelId, testSeal(channelId));
  await store.sending(...sentText("3EB0AAAA", "15550100001@s.whatsapp.net", "Hello"));
  await store.raise("3EB0AAAA", { status: "sent" });
  await store.notSent("3EB0AAAA", { code: "not_sent" });
  await Promise.all([
    store.sent("3EB0AAAA"),
    store.again("3EB0AAAA"),
    store.rank("3EB0AAAA"),
    store.own(["x"]),
  ]);
  await db.command({ profile: 0 });
  const collections = ["whatsapp_auth_keys", "whatsapp_auth_creds", "messages"];
  for (const name of collections) {
    const profiled = await db
      .collection("system.profile")
      .find({ ns: `${db.databaseName}.${name}` })
      .toArray();
    const filters = profiled.flatMap(filtersOf);
    expect(filters.length, name).toBeGreaterThan(2);
    expect(filters.filter((filter) => filter.channelId === undefined)).toEqual([]);
  }
});
