import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

test("a request is logged as one line, with no key, number or text at any level", async () => {
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
  ["without a route", "/api/whatsapp/channles/15551234567/send", "unmatched"],
  ["with a doubled slash", "//api/whatsapp/channels/15551234567", "unmatched"],
  [
    "whose channel id is not a UUID",
    "/api/whatsapp/channels/15551234567/status",
    "/api/whatsapp/channels/:channelId/status",
  ],
  [
    "whose command id is not a UUID",
    "/api/whatsapp/commands/15551234567",
    "/api/whatsapp/commands/:commandId",
  ],
])("a path %s is not logged as it is", async (_, path, logged) => {
  functions.logged.length = 0;
  await functions.call("GET", path);
  expect(functions.logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: "request", path: logged, status: 404 }),
  ]);
  expect(functions.logged.join("")).not.toContain("15551234567");
});

test("an unauthenticated request is logged with the id in its path", async () => {
  const channelId = await functions.addChannel();
  functions.logged.length = 0;
  await functions.call("GET", `/channels/${channelId}`, { key: null });
  expect(JSON.parse(functions.logged.join(""))).toMatchObject({
    status: 401,
    path: `/api/whatsapp/channels/${channelId}`,
  });
});
