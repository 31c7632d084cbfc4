import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

test("credentials sealed under another ENCRYPTION_KEY put the channel into error, and work again by themselves once that key is back", {
  timeout: 120_000,
}, async () => {
  await using system = await startSystem({ timings: { graceMs: 500 } });
  const channel = await pairedChannel(system, "15550100131");
  const stored = async () => {
    const find = (name: string, filter: object) =>
      system.database.db.collection<{ _id: string }>(name).find(filter).sort({ _id: 1 }).toArray();
    // The fences and the epoch rise with every owner.
    // MongoDB removes deleted keys, which are emptied, whenever it likes.
    const isFull = { $or: [{ keyId: { $exists: false } }, { keyData: { $exists: true } }] };
    const keys = await find("whatsapp_auth_keys", { _id: { $not: /\/fence$/ }, ...isFull });
    return [...keys, ...(await find("whatsapp_auth_creds", {})).map((row) => ({ ...row, epoch: 0 }))];
  };
  await system.stop();
  const before = await stored();
  expect(before.length).toBeGreaterThan(1);

  await system.start({ encryptionKeys: [randomBytes(32)] });
  await channel.becomes("error", "credentials_unreadable");
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("error", "credentials_unreadable");
  expect(await stored()).toEqual(before);
  expect(channel.phone.devices()).toHaveLength(1);

  await system.stop();
  await system.start();
  await channel.becomes("active");
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
});
