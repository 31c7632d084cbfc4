import { expect, test } from "vitest";
import { messageStatuses, messageStatusRank } from "#shared/events.ts";

test("every status has its own rank", () => {
  const ranks = messageStatuses.map((status) => messageStatusRank[status]);
  expect(new Set(ranks).size).toBe(messageStatuses.length);
});

test("ranks rise along the way of a message, also from `unknown` and from `failed`", () => {
  const journeys = [
    ["queued", "sent", "delivered", "read", "played"],
    ["queued", "unknown", "sent", "delivered"],
    ["queued", "unknown", "failed"],
    ["queued", "sent", "failed"],
    // WhatsApp refused one copy and delivered another: the delivery disproves the failure.
    ["failed", "delivered"],
  ] as const;
  for (const journey of journeys) {
    const ranks = journey.map((status) => messageStatusRank[status]);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  }
});
