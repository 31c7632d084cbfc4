import { expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { apiKey } from "../support/system.ts";
import { testDatabase } from "../support/test-database.ts";

const useEverything = new URL("./use-everything.child.ts", import.meta.url);
const numbers = ["15550100071", "15550100072", "15550100073", "15550100074"];

test("the trace log contains no key, code, QR, text or number, and nothing but log lines is printed", {
  timeout: 120_000,
}, async () => {
  await using database = await testDatabase();
  await using child = startChild(useEverything, numbers, { env: { MONGO_URI: database.uri } });
  expect({ code: await child.ended, err: child.err }).toEqual({
    code: 0,
    err: expect.stringMatching(/^\{"qr":"[^"]{50,}","code":"\w{8}"\}$/),
  });
  const lines = child.out.trimEnd().split("\n");
  expect(lines.filter((line) => !/^\{"level":"\w+","time":".+\}$/.test(line))).toEqual([]);
  expect(lines.length).toBeGreaterThan(20);
  const secrets = {
    ...{ apiKey, ...JSON.parse(child.err), numbers: "155501000" },
    texts: "outgoing-words",
    incoming: "incoming-words",
    caption: "caption-words",
  };
  for (const [name, secret] of Object.entries(secrets)) {
    expect(child.out.includes(String(secret)), name).toBe(false);
  }
  expect(child.out).not.toMatch(/privKey|rootKey|chainKey|ephemeralKeyPair|Closing session/);
});
