import { expect, test } from "vitest";
import {
  addTransactionCapability,
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  initAuthCreds,
  silentLogger,
  type WASocket,
} from "#connector/baileys/baileys.ts";
import { offerPreKeys } from "#connector/baileys/pre-keys.ts";
import { memoryStore } from "./signal-party.fixture.ts";

/** A device whose WhatsApp takes every offer, but answers it only while the test wants that. */
function device() {
  const creds = initAuthCreds();
  const options = { maxCommitRetries: 1, delayBetweenTriesMs: 0 };
  const keys = addTransactionCapability(memoryStore(), silentLogger, options);
  const server = { kept: [] as number[], offered: [] as number[][], isSilent: false };
  const query = async (iq: BinaryNode): Promise<BinaryNode | undefined> => {
    const list = getBinaryNodeChild(iq, "list");
    const result = { tag: "iq", attrs: { type: "result" } };
    if (!list) {
      const count = { tag: "count", attrs: { value: String(server.kept.length) } };
      return { ...result, content: [count] };
    }
    const ids = getBinaryNodeChildren(list, "key").map((key) => {
      const id = getBinaryNodeChild(key, "id")?.content;
      return Buffer.from(id as Uint8Array).readUIntBE(0, 3);
    });
    server.offered.push(ids);
    server.kept = ids;
    return server.isSilent ? undefined : result;
  };
  const wa = { authState: { creds, keys }, query } as unknown as WASocket;
  return { server, offer: () => offerPreKeys(wa, () => undefined, 1_000) };
}

test("keys whose offer WhatsApp took without an answer are not offered a second time", async () => {
  const { server, offer } = device();
  server.isSilent = true;
  await expect(offer()).rejects.toThrow("unanswered");
  server.isSilent = false;
  // It has plenty, so the offer must have arrived.
  await offer();
  server.kept = [811, 812];
  await offer();
  expect(server.offered).toHaveLength(2);
  expect(server.offered[0]).toHaveLength(812);
  expect(server.offered[1]).toEqual([813, 814, 815, 816, 817]);
});

test("keys whose offer WhatsApp did not take are offered again", async () => {
  const { server, offer } = device();
  server.isSilent = true;
  await expect(offer()).rejects.toThrow("unanswered");
  Object.assign(server, { isSilent: false, kept: [] });
  await offer();
  expect(server.offered[1]).toEqual(server.offered[0]);
});
