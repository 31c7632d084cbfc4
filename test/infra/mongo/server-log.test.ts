import { expect, test } from "vitest";
import { reasonFor, saysReady } from "#infra/mongo/server-log.ts";

function line(s: string, msg: string, error?: unknown): string {
  return JSON.stringify({ t: {}, s, c: "CONTROL", id: 1, ctx: "main", msg, attr: { error } });
}

test("saysReady recognises only the line about waiting for connections", () => {
  expect(saysReady(line("I", "Waiting for connections"))).toBe(true);
  expect(saysReady(line("I", "Connection accepted"))).toBe(false);
});

test("reasonFor returns the last error in the log, with its cause", () => {
  const lines = [
    line("E", "first"),
    line("E", "DBException in initAndListen, terminating", "DBPathInUse: locked"),
    line("I", "Now exiting"),
  ];
  expect(reasonFor(lines)).toBe("DBException in initAndListen, terminating (DBPathInUse: locked)");
  expect(reasonFor([line("F", "Fatal", { code: 1 }), "other"])).toBe('Fatal ({"code":1})');
  expect(reasonFor([line("F", "Fatal")])).toBe("Fatal");
});

test("reasonFor falls back to the output of a loader or a crash, and then to undefined", () => {
  expect(reasonFor([line("I", "starting"), "libcurl.so.4: cannot open shared object file", ""])).toContain(
    "libcurl",
  );
  expect(reasonFor([line("I", "starting")])).toBeUndefined();
  expect(reasonFor([])).toBeUndefined();
});
