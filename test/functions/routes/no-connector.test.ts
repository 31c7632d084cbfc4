import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
  await functions.addConnector();
  const lapsed = { state: "alive" as const, aliveUntil: new Date(Date.now() - 60_000) };
  await functions.db.connectors.updateMany({}, { $set: lapsed });
});
afterAll(() => functions[Symbol.asyncDispose]());

/** Any wait would exceed this. */
const impatient = { timeout: 25_000 };
const longest = { Prefer: "wait=30" };

test.each(["connect", "disconnect", "logout"])(
  "202: %s is answered at once while no connector is alive, and its wish is stored",
  impatient,
  async (action) => {
    const channelId = await functions.addChannel();
    const { status, headers } = await functions.call("POST", `/channels/${channelId}/${action}`, {
      headers: longest,
    });
    expect(status).toBe(202);
    expect(headers.get("preference-applied")).toBeNull();
    const wanted = action === "connect" ? "connected" : "disconnected";
    expect((await functions.db.channels.findOne({ _id: channelId }))?.wanted).toBe(wanted);
  },
);

test("202: a send is queued at once while no connector is alive", impatient, async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const { status, body } = await functions.call("POST", `/channels/${channelId}/send`, {
    headers: longest,
    body: { to: "15551234567", message: "hi" },
  });
  expect([status, body.payload.status]).toEqual([202, "queued"]);
});
