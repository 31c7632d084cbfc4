import { expect, test } from "vitest";
import { offerOf } from "#functions/console/channel-offers.ts";
import { channelStatuses } from "#shared/channel.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const [earlier, later] = ["2025-12-31T00:00:00Z", "2026-01-02T00:00:00Z"];
const offered = (reason: string | null, retryAt: string | null = null) =>
  offerOf({ status: "error", reason, retryAt }, now);

test("every status offers a way on: to connect, or to stop", () => {
  for (const status of channelStatuses) {
    const { connect, stop } = offerOf({ status, reason: null, retryAt: null }, now);
    expect(connect === null, status).toBe(stop !== null);
  }
});

test.each([
  ["banned", null],
  ["temporarily_banned", later],
  ["temporarily_banned", null],
])(
  "a blocked account is asked before it connects, and is offered no code: %s until %s",
  (reason, retryAt) => {
    expect(offered(reason, retryAt)).toMatchObject({ connect: "asked", code: false, logout: true });
  },
);

test("connecting is the main action again once a temporary ban is over", () => {
  expect(offered("temporarily_banned", earlier)).toMatchObject({ connect: "main", code: true });
  expect(offered("replaced")).toMatchObject({ connect: "main" });
});

test("an unlinking cannot be stopped", () => {
  expect(offerOf({ status: "connecting", reason: "unlinking", retryAt: null }, now).stop).toBeNull();
});
