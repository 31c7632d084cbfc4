import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

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

test.each([
  ["of no route", "/api/whatsapp/channles/15551234567/send", "unmatched"],
  ["that is doubled", "//api/whatsapp/channels/15551234567", "unmatched"],
  [
    "whose id is none",
    "/api/whatsapp/channels/15551234567/status",
    "/api/whatsapp/channels/:channelId/status",
  ],
  ["of a command", "/api/whatsapp/commands/15551234567", "/api/whatsapp/commands/:commandId"],
])("an address %s is not told", async (_, path, told) => {
  functions.logged.length = 0;
  await functions.call("GET", path);
  expect(functions.logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: "request", path: told, status: 404 }),
  ]);
  expect(functions.logged.join("")).not.toContain("15551234567");
});

test("the id is told although nobody may call", async () => {
  const channelId = await functions.addChannel();
  functions.logged.length = 0;
  await functions.call("GET", `/channels/${channelId}`, { key: null });
  expect(JSON.parse(functions.logged.join(""))).toMatchObject({
    status: 401,
    path: `/api/whatsapp/channels/${channelId}`,
  });
});
