import { expect, test } from "vitest";
import { unusableConnection } from "#connector/connection/unusable-connection.ts";
import type { Signal } from "#connector/machine/machine.ts";

test("an unusable connection reports `credentials_unreadable` at every attempt to open, and has no socket", async () => {
  const signals: Signal[] = [];
  const connection = unusableConnection((signal) => signals.push(signal));
  await connection.recover();
  await connection.close();
  await connection.unlink();
  connection.terminate();
  expect(signals).toEqual([]);
  connection.open();
  expect(signals).toEqual([{ type: "closed", reason: { kind: "credentials_unreadable" }, code: null }]);
  expect(connection.current()).toBeNull();
});
