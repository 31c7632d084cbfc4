import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions-fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

test("a request is one line, and at no level a key, a number or a text", async () => {
  const key = await functions.addKey();
  const channelId = await functions.addChannel();
  await functions.call("POST", `/channels/${channelId}/send?apiKey=${key}`, {
    key,
    body: { to: "15551234567", message: "a secret" },
  });
  expect(functions.logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      msg: "request",
      method: "POST",
      path: `/api/whatsapp/channels/${channelId}/send`,
      status: 202,
      requestId: expect.any(String),
      durationMs: expect.any(Number),
    }),
  ]);
  const everything = functions.logged.join("");
  for (const secret of [key, "15551234567", "a secret"]) expect(everything).not.toContain(secret);
});
