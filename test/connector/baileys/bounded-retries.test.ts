import "#connector/baileys/baileys.ts";
import { MessageRetryManager } from "@whiskeysockets/baileys";
import { expect, test } from "vitest";
import { silentLogger, type WASocket } from "#connector/baileys/baileys.ts";
import { boundRetries } from "#connector/baileys/bounded-retries.ts";

test("what Baileys remembers about messages that it could not decrypt is bounded, and no message is kept whole", () => {
  const messageRetryManager = new MessageRetryManager(silentLogger, 5);
  boundRetries({ messageRetryManager } as unknown as WASocket);
  for (let n = 0; n < 20_000; n++) {
    messageRetryManager.incrementRetryCount(`M${n}`);
    messageRetryManager.shouldRecreateSession(`${n}@lid`, false);
    messageRetryManager.schedulePhoneRequest(`M${n}`, () => undefined, 60_000);
    messageRetryManager.addRecentMessage("1@lid", `M${n}`, { conversation: "whole" });
  }
  const sizeOf = (name: string): number => Reflect.get(Reflect.get(messageRetryManager, name), "size");
  expect([sizeOf("retryCounters"), sizeOf("sessionRecreateHistory")]).toEqual([5_000, 5_000]);
  expect(Object.keys(Reflect.get(messageRetryManager, "pendingPhoneRequests"))).toHaveLength(100);
  expect([sizeOf("recentMessagesMap"), sizeOf("messageKeyIndex")]).toEqual([0, 0]);
  expect(messageRetryManager.getRetryCount("M19999")).toBe(1);
  messageRetryManager.clear();
});
