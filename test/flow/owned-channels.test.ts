import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandTap, commandTap } from "../support/command-tap.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

const contact = "15550100402";

let database: TestDatabase;
let tap: CommandTap;
let system: OneProcess;

beforeAll(async () => {
  database = await testDatabase();
  tap = await commandTap(database.uri);
  system = await startSystem({ database: tap });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await tap[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const send = (channelId: string, headers: Record<string, string> = {}) =>
  system.api().post(`/channels/${channelId}/send`, { to: contact, message: "Hello" }, headers);

const respondAsync = { Prefer: "respond-async" };

test("sends on a channel of this process's own connector read no channel by themselves and claim nothing", async () => {
  const { channelId } = await pairedChannel(system, "15550100401");
  expect((await send(channelId)).status).toBe(200);
  tap.reset();
  const keyed = { "Idempotency-Key": "an order" };
  for (const headers of [{}, respondAsync, keyed]) {
    const { status } = await send(channelId, headers);
    expect(status).toBe(headers === respondAsync ? 202 : 200);
  }
  const asked = tap.commands.filter(({ app }) => app?.startsWith("waypost"));
  expect(asked.filter(({ name, collection }) => name !== "getMore" && collection === "channels")).toEqual([]);
  const claims = asked.filter(
    ({ name, collection }) => name === "findAndModify" && collection === "commands",
  );
  expect(claims).toEqual([]);
  const repeated = await send(channelId, keyed);
  expect([repeated.status, repeated.headers.get("Idempotency-Replayed")]).toEqual([200, "true"]);
});

test("409: a send on a channel that was just logged out", async () => {
  const { channelId } = await pairedChannel(system, "15550100404");
  expect((await send(channelId)).status).toBe(200);
  expect((await system.api().post(`/channels/${channelId}/logout`)).status).toBe(200);
  const { status, body } = await send(channelId);
  expect([status, body.error.code]).toEqual([409, "channel_logged_out"]);
});

test("404: a send that follows the deletion of its channel, whose removal from the phone is not confirmed", async () => {
  const { channelId } = await pairedChannel(system, "15550100403");
  expect((await send(channelId)).status).toBe(200);
  system.sandbox.faults.ignoreQuery("md", { times: 1_000, request: "remove-companion-device" });
  const deleted = await system.api().call("DELETE", `/channels/${channelId}`, undefined, respondAsync);
  expect(deleted.status).toBe(202);
  expect((await send(channelId)).status).toBe(404);
});
