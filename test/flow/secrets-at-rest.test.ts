import { randomBytes } from "node:crypto";
import type { Db } from "mongodb";
import { expect, test } from "vitest";
import { dataKeyId } from "#connector/auth/auth-documents.ts";
import { authCollections, readRows, readWrappedKey } from "#connector/auth/auth-rows.ts";
import { unseal, unwrapDataKey } from "#connector/auth/envelope.ts";
import { eventually } from "../support/eventually.ts";
import { leakedSecrets } from "../support/leaked-secrets.ts";
import { pairedChannel } from "../support/pairing.ts";
import { apiKey, type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100076";
const contactNumber = "15550100077";

/** Every byte of the database, as the server sends it. */
async function dump(db: Db): Promise<Buffer> {
  const names = (await db.listCollections().toArray()).map(({ name }) => name);
  const parts = names.map((name) => db.collection(name).find({}, { raw: true }).toArray());
  return Buffer.concat(
    (await Promise.all(parts)).flat().map((row) => Buffer.from(row as unknown as Uint8Array)),
  );
}

/** Decrypts a channel's whole auth state: its texts, and the data key that sealed them. */
async function unsealed({ database: { db }, config }: OneProcess, channelId: string) {
  const { creds, keys } = authCollections(db);
  const wrapped = await readWrappedKey(keys, channelId);
  if (!wrapped) throw new Error("the channel has no data key");
  const dataKey = unwrapDataKey(wrapped, config.encryptionKeys, dataKeyId(channelId));
  const rowIds = await keys.distinct("_id", { channelId, keyData: { $exists: true } });
  const rows = await readRows(keys, dataKey, channelId, rowIds);
  const stored = await creds.findOne({ _id: channelId });
  const text = unseal(dataKey, channelId, Buffer.from(stored?.creds.value() ?? "")).toString("utf8");
  return { dataKey, texts: [text, ...rows.values()] };
}

/** The base64 values, at least 16 bytes long, of properties whose names only secrets have. */
function secretsIn(texts: readonly string[]): Buffer[] {
  const found: Buffer[] = [];
  for (const text of texts) {
    JSON.parse(text, (key, value) => {
      const base64 = typeof value === "string" ? value : value?.type === "Buffer" ? value.data : null;
      if (secretNames.has(key) && typeof base64 === "string") found.push(Buffer.from(base64, "base64"));
      return value;
    });
  }
  return found.filter(({ length }) => length >= 16);
}

const secretNames = new Set(["private", "privKey", "rootKey", "advSecretKey", "keyData"]);

test("a dump of the database contains no private key and no API key, in any encoding", async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, phoneNumber);
  const send = { to: contactNumber, message: "outgoing words" };
  expect((await system.api().post(`/channels/${channel.channelId}/send`, send)).status).toBe(200);
  await system.sandbox.account(contactNumber).sendText(phoneNumber, "incoming words");
  await eventually(() => system.collections.events.findOne({ type: "incoming_message" }));
  await system.stop();

  const { dataKey, texts } = await unsealed(system, channel.channelId);
  const secrets = [dataKey, ...system.config.encryptionKeys, ...secretsIn(texts)];
  expect(secrets.length).toBeGreaterThan(10);
  const bytes = await dump(system.database.db);
  expect(leakedSecrets(bytes, [...secrets, Buffer.from(apiKey)])).toEqual([]);

  const control = randomBytes(32);
  await system.database.db.collection("notes").insertOne({ note: JSON.stringify([...control]) });
  expect(leakedSecrets(await dump(system.database.db), [control])).toEqual([control]);
  expect(leakedSecrets(Buffer.from(texts.join("")), secretsIn(texts))).toHaveLength(secretsIn(texts).length);
});
