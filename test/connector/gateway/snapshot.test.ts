import { expect, test } from "vitest";
import { statusNotice } from "#connector/gateway/snapshot.ts";
import type { EventDocument } from "#shared/collections.ts";
import { channelDocument } from "#test/support/documents.ts";

const channel = { ...channelDocument({ status: "connecting" }), now: new Date() };

test("a status that was broadcast while the channel's document was read replaces it, even if it is dated earlier", () => {
  const logged = {
    ...{ type: "connection_update", seq: 7, data: { status: "active" } },
    timestamp: new Date(channel.lastStatusUpdate.getTime() - 90_000),
  } as unknown as EventDocument;
  expect(statusNotice(channel, logged).payload).toMatchObject({
    status: "active",
    timestamp: logged.timestamp.toISOString(),
  });
  expect(statusNotice(channel, null).payload).toMatchObject({ status: "connecting" });
});
