import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { silence } from "#connector/baileys/silence.ts";

function recordingPrinter() {
  const said: unknown[][] = [];
  const print = (...values: unknown[]) => void said.push(values);
  const printer = { debug: print, error: print, info: print, log: print, warn: print };
  return { said, printer };
}

test("libsignal's sessions do not reach the console, everything else does", () => {
  const { said, printer } = recordingPrinter();
  silence(printer);
  printer.info("Closing session:", { rootKey: "secret" });
  printer.error("Session error:Error: Bad MAC", "stack");
  printer.info("Listening on 3000");
  printer.warn(new Error("something else"));
  expect(said).toEqual([["Listening on 3000"], [new Error("something else")]]);
});

test("silencing twice filters once", () => {
  const { said, printer } = recordingPrinter();
  silence(printer);
  const once = printer.info;
  silence(printer);
  expect(printer.info).toBe(once);
  printer.info("hello");
  expect(said).toHaveLength(1);
});

test("a real session that libsignal closes is not printed", () => {
  const { said, printer } = recordingPrinter();
  silence(printer);
  const SessionRecord = createRequire(import.meta.url)("libsignal/src/session_record.js");
  const { info } = globalThis.console;
  Object.assign(globalThis.console, { info: printer.info });
  try {
    new SessionRecord().closeSession({ indexInfo: { closed: -1 }, rootKey: "secret" });
  } finally {
    Object.assign(globalThis.console, { info });
  }
  expect(said).toEqual([]);
});
