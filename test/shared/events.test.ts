import { expect, test } from "vitest";
import { messageStatuses, messageStatusRank } from "#shared/events.ts";

test("each status has a rank of its own", () => {
  const ranks = messageStatuses.map((status) => messageStatusRank[status]);
  expect(new Set(ranks).size).toBe(messageStatuses.length);
});

test("statuses rise as a message travels; what is heard from WhatsApp settles what was unknown", () => {
  const journeys = [
    ["queued", "sent", "delivered", "read", "played"],
    ["queued", "unknown", "sent", "delivered"],
    ["queued", "unknown", "failed"],
    ["queued", "sent", "failed"],
    // It was refused on one path and arrived on another: a delivery disproves the failure.
    ["failed", "delivered"],
  ] as const;
  for (const journey of journeys) {
    const ranks = journey.map((status) => messageStatusRank[status]);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  }
});
