import "#connector/baileys/baileys.ts";
import { MessageRetryManager } from "@whiskeysockets/baileys";
import { expect, test } from "vitest";
import {
  addTransactionCapability,
  initAuthCreds,
  makeLibSignalRepository,
  silentLogger,
  type WASocket,
} from "#connector/baileys/baileys.ts";
import { boundMappings, boundRetries } from "#connector/baileys/bounded-retries.ts";
import { memoryStore } from "./signal-party.fixture.ts";

test("what Baileys remembers about messages that it could not decrypt is bounded, and no message is kept whole", () => {
  const messageRetryManager = new MessageRetryManager(silentLogger, 5);
  boundRetries({ messageRetryManager } as unknown as WASocket);
  for (let n = 0; n < 20_000; n++) {
    messageRetryManager.incrementRetryCount(`M${n}`);
    messageRetryManager.shouldRecreateSession(`${n}@lid`, false);
    messageRetryManager.schedulePhoneRequest(`M${n}`, () => undefined, 60_000);
    messageRetryManager.addRecentMessage("1@lid", `M${n}`, { conversation: "whole" });
    messageRetryManager.saveBaseKey("1.0", `M${n}`, new Uint8Array([n % 256]));
  }
  const sizeOf = (name: string): number => Reflect.get(Reflect.get(messageRetryManager, name), "size");
  expect([sizeOf("retryCounters"), sizeOf("sessionRecreateHistory")]).toEqual([5_000, 5_000]);
  expect(Object.keys(Reflect.get(messageRetryManager, "pendingPhoneRequests"))).toHaveLength(100);
  expect(sizeOf("baseKeys")).toBe(1_024);
  expect(messageRetryManager.hasSameBaseKey("1.0", "M19999", new Uint8Array([19_999 % 256]))).toBe(true);
  expect(messageRetryManager.hasSameBaseKey("1.0", "M19999", new Uint8Array([0]))).toBe(false);
  expect([sizeOf("recentMessagesMap"), sizeOf("messageKeyIndex")]).toEqual([0, 0]);
  expect(messageRetryManager.getRetryCount("M19999")).toBe(1);
  messageRetryManager.clear();
});

test("the LIDs of at most 10,000 people are remembered, and those forgotten are read again", async () => {
  const store = memoryStore();
  const keys = addTransactionCapability(store, silentLogger, { maxCommitRetries: 1, delayBetweenTriesMs: 0 });
  const signalRepository = makeLibSignalRepository({ creds: initAuthCreds(), keys }, silentLogger);
  boundMappings({ signalRepository });
  const { lidMapping } = signalRepository;
  const pairs = Array.from({ length: 12_000 }, (_, n) => ({
    lid: `${n}@lid`,
    pn: `1555${n + 1_000_000}@s.whatsapp.net`,
  }));
  await lidMapping.storeLIDPNMappings(pairs);
  expect(Reflect.get(Reflect.get(lidMapping, "mappingCache"), "size")).toBe(10_000);
  expect(await lidMapping.getPNForLID("3@lid")).toBe("15551000003:0@s.whatsapp.net");
});
