import { expect, test } from "vitest";
import { newChannelId, newCommandId, newEventId, newMessageId } from "#shared/ids.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test.each([
  ["channel", newChannelId, uuid],
  ["command", newCommandId, uuid],
  ["event", newEventId, uuid],
  ["message", newMessageId, /^3EB0[0-9A-F]{18}$/],
])("a new %s id has its form, and no two are alike", (_, make, form) => {
  const ids = Array.from({ length: 1_000 }, make);
  for (const id of ids) expect(id).toMatch(form);
  expect(new Set(ids).size).toBe(1_000);
});
