import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { silence } from "#connector/baileys/silence-console.ts";

function recordingPrinter() {
  const printed: unknown[][] = [];
  const print = (...values: unknown[]) => void printed.push(values);
  const printer = { debug: print, error: print, info: print, log: print, warn: print };
  return { printed, printer };
}

test("libsignal's sessions do not reach the console; other lines do", () => {
  const { printed, printer } = recordingPrinter();
  silence(printer);
  printer.info("Closing session:", { rootKey: "secret" });
  printer.error("Session error:Error: Bad MAC", "stack");
  printer.info("Listening on 3000");
  printer.warn(new Error("something else"));
  expect(printed).toEqual([["Listening on 3000"], [new Error("something else")]]);
});

test("silencing twice filters once", () => {
  const { printed, printer } = recordingPrinter();
  silence(printer);
  const once = printer.info;
  silence(printer);
  expect(printer.info).toBe(once);
  printer.info("hello");
  expect(printed).toHaveLength(1);
});

test("a real session that libsignal closes is not printed", () => {
  const { printed, printer } = recordingPrinter();
  silence(printer);
  const SessionRecord = createRequire(import.meta.url)("libsignal/src/session_record.js");
  const { info } = globalThis.console;
  Object.assign(globalThis.console, { info: printer.info });
  try {
    new SessionRecord().closeSession({ indexInfo: { closed: -1 }, rootKey: "secret" });
  } finally {
    Object.assign(globalThis.console, { info });
  }
  expect(printed).toEqual([]);
});
