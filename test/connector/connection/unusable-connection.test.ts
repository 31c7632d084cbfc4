import { expect, test } from "vitest";
import { unusableConnection } from "#connector/connection/unusable-connection.ts";
import type { Signal } from "#connector/machine/machine.ts";

test("says why it does not connect each time it is to, and has no socket", async () => {
  const signals: Signal[] = [];
  const line = unusableConnection((signal) => signals.push(signal));
  await line.recover();
  await line.close();
  await line.unlink();
  line.terminate();
  expect(signals).toEqual([]);
  line.open();
  expect(signals).toEqual([{ type: "closed", reason: { kind: "credentials_unreadable" }, code: null }]);
  expect(line.current()).toBeNull();
});
