import { expect, test } from "vitest";
import { foreignModules } from "./import-time.ts";

test("the bare process imports the connector's large modules, and none of ours or of Node", () => {
  const names = foreignModules();
  expect(names).toEqual(
    expect.arrayContaining(["@whiskeysockets/baileys", "mongodb", "pino", "socket.io", "zod"]),
  );
  expect(names.filter((name) => /^(node:|[.#])/.test(name))).toEqual([]);
});
