import { expect, test } from "vitest";
import { foreignModules } from "./import-time.ts";

test.each([
  { kind: "connector", large: ["@whiskeysockets/baileys", "mongodb", "pino", "socket.io", "zod"] },
  { kind: "both", large: ["@hono/zod-openapi", "@whiskeysockets/baileys", "hono/factory", "mongodb"] },
] as const)(
  "the bare process imports the large modules of $kind, and none of ours, of the console or of Node",
  ({ kind, large }) => {
    const names = foreignModules(kind);
    expect(names).toEqual(expect.arrayContaining([...large]));
    expect(names.filter((name) => name.startsWith("preact"))).toEqual([]);
    expect(names.filter((name) => /^(node:|[.#])/.test(name))).toEqual([]);
  },
);
