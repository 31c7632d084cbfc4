import { expect, test } from "vitest";
import { offerQrCodes } from "#infra/offer-qr-codes.ts";
import type { ChannelDocument, PendingPairing } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "../support/eventually.ts";
import { testDatabase } from "../support/test-database.ts";

function qr(text: string): PendingPairing {
  return { kind: "qr", text, attempt: 1, of: 6, expiresAt: new Date() };
}

/** Offers the codes of a database's channels to a sandbox that records them. */
async function watching() {
  const database = await testDatabase();
  const { channels } = collections(database.db);
  const offered: string[] = [];
  const codes = offerQrCodes(channels, { offerQr: (text) => void offered.push(text) });
  return {
    offered,
    stop: () => codes[Symbol.dispose](),
    channel: (channelId: string, pairing: PendingPairing | null) =>
      channels.updateOne(
        { _id: channelId },
        { $set: { channelId, pairing } as Partial<ChannelDocument> },
        { upsert: true },
      ),
    async [Symbol.asyncDispose]() {
      codes[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

test("every QR code of every channel is offered once", async () => {
  await using watch = await watching();
  await watch.channel("a", qr("a 1"));
  await watch.channel("b", qr("b 1"));
  await eventually(() => watch.offered.length === 2);
  await watch.channel("a", qr("a 2"));
  await eventually(() => watch.offered.length === 3);
  expect(watch.offered.toSorted()).toEqual(["a 1", "a 2", "b 1"]);
});

test("pairing codes and channels without a pending pairing are not offered", async () => {
  await using watch = await watching();
  await watch.channel("a", { ...qr("ABCDEFGH"), kind: "code" });
  await watch.channel("b", null);
  await watch.channel("c", qr("c 1"));
  await eventually(() => watch.offered.length > 0);
  expect(watch.offered).toEqual(["c 1"]);
});

test("a QR code that disappears and returns is offered again", async () => {
  await using watch = await watching();
  await watch.channel("a", qr("a 1"));
  await eventually(() => watch.offered.length === 1);
  await watch.channel("a", null);
  await watch.channel("b", qr("b 1"));
  await eventually(() => watch.offered.includes("b 1"));
  await watch.channel("a", qr("a 1"));
  await eventually(() => watch.offered.length === 3);
  expect(watch.offered).toEqual(["a 1", "b 1", "a 1"]);
});

test("no QR code is offered after disposal", async () => {
  await using watch = await watching();
  await using other = await watching();
  watch.stop();
  await watch.channel("a", qr("a 1"));
  await other.channel("a", qr("a 1"));
  await eventually(() => other.offered.length === 1);
  await other.channel("a", qr("a 2"));
  await eventually(() => other.offered.length === 2);
  expect(watch.offered).toEqual([]);
});
