import { expect, test } from "vitest";
import { connectionUpdate } from "#connector/machine/connection-update.ts";
import { newMachine } from "#connector/machine/machine.ts";

test("an update holds the reason, the next try and the last disconnect only if they exist", () => {
  const at = { code: null, reason: "silence", at: new Date(0).toISOString() };
  expect(connectionUpdate(newMachine("active"), null)).toEqual({ status: "active" });
  expect(connectionUpdate({ ...newMachine("waiting", "replaced"), retryAt: 0 }, at)).toEqual({
    status: "connecting",
    reason: "replaced",
    retryAt: "1970-01-01T00:00:00.000Z",
    lastDisconnect: at,
  });
});
