import { ObjectId } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandState, commandStates } from "#shared/commands.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

async function queuedSend() {
  const channelId = await functions.addChannel();
  const { body } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
  });
  const { commandId, messageId } = body.payload as { commandId: string; messageId: string };
  return { channelId, commandId, messageId };
}
const cancel = (commandId: string, options: { key?: string; headers?: Record<string, string> } = {}) =>
  functions.call("DELETE", `/commands/${commandId}`, options);
const stored = (commandId: string) => functions.db.commands.findOne({ _id: commandId });
const set = (commandId: string, fields: object) =>
  functions.db.commands.updateOne({ _id: commandId }, { $set: fields });

test("200: a queued message is cancelled", async () => {
  const { commandId, messageId } = await queuedSend();
  const { status, body } = await cancel(commandId);
  expect(status).toBe(200);
  expect(body.payload).toMatchObject({
    commandId,
    messageId,
    state: "cancelled",
    error: { code: "cancelled" },
    doneAt: expect.any(String),
  });
  expect(await stored(commandId)).toMatchObject({ state: "cancelled", doneAt: expect.any(Date) });
});

test("409: a send that waits for its message reports that it was cancelled", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const pending = functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
    headers: { Prefer: "wait=30" },
  });
  const { _id } = await functions.command(channelId, "message.send");
  await cancel(_id);
  const { status, body } = await pending;
  expect([status, body.error.code, body.error.details.commandId]).toEqual([409, "cancelled", _id]);
});

const others = commandStates.filter((state) => state !== "queued");
test.each(others)("409: a message that is %s stays so", async (state: CommandState) => {
  const { commandId } = await queuedSend();
  await set(commandId, { state });
  const { status, body } = await cancel(commandId);
  expect([status, body.error.code, body.error.details.state]).toEqual([
    409,
    "command_not_cancellable",
    state,
  ]);
  expect((await stored(commandId))?.state).toBe(state);
});

test.each(["relayStartedAt", "resentAt"])(
  "409: a message that may have been on the wire (%s) is not cancelled",
  async (field) => {
    const { commandId } = await queuedSend();
    await set(commandId, { [field]: new Date() });
    expect((await cancel(commandId)).status).toBe(409);
  },
);

test("409: a message claimed between the check and the write is not cancelled", async () => {
  await using claiming = await functionsFixture({
    withStore: (store) => ({
      ...store,
      async cancelCommand(command) {
        await claiming.db.commands.updateOne({ _id: command._id }, { $set: { state: "running" } });
        return store.cancelCommand(command);
      },
    }),
  });
  const channelId = await claiming.addChannel();
  const sent = await claiming.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
  });
  const { commandId } = sent.body.payload;
  const path = `/commands/${commandId}`;
  const headers = { "Idempotency-Key": "claimed" };
  const { status, body } = await claiming.call("DELETE", path, { headers });
  expect([status, body.error.details.state]).toEqual([409, "running"]);
  // Even when the message is queued again, a request that was refused stays refused.
  await claiming.db.commands.updateOne({ _id: commandId }, { $set: { state: "queued" } });
  const again = await claiming.call("DELETE", path, { headers });
  expect([again.status, again.body.error.details.state]).toEqual([409, "running"]);
  expect((await claiming.db.commands.findOne({ _id: commandId }))?.state).toBe("queued");
});

test.each(["connect", "disconnect", "logout", "pairing-code"])(
  "409: %s cannot be cancelled, and the wish stays",
  async (action) => {
    const channelId = await functions.addChannel();
    const accepted = await functions.call("POST", `/channels/${channelId}/${action}`, {
      headers: { Prefer: "wait=0" },
      body: action === "pairing-code" ? { phoneNumber: "15551234567" } : {},
    });
    const commandId = accepted.headers.get("location")?.split("/").at(-1) ?? "";
    const wish = async () => (await functions.db.channels.findOne({ _id: channelId }))?.wanted;
    const wanted = await wish();
    const { status, body } = await cancel(commandId);
    expect([status, body.error.code]).toEqual([409, "command_not_cancellable"]);
    expect([(await stored(commandId))?.state, await wish()]).toEqual(["queued", wanted]);
  },
);

test("200: another service's message is cancelled by its ObjectId before it is adopted", async () => {
  const channelId = await functions.addChannel();
  const _id = new ObjectId();
  const theirs = { _id: _id as never, channelId, type: "message.send", payload: {} } as never;
  await functions.db.commands.insertOne(theirs);
  expect((await cancel(_id.toHexString())).status).toBe(200);
  expect(await functions.db.commands.findOne({ _id: _id as never })).toMatchObject({
    state: "cancelled",
    attempts: 0,
  });
});

test("404: an unknown command and one outside the key's channels are not found", async () => {
  const { commandId } = await queuedSend();
  const key = await functions.addKey({ channels: [await functions.addChannel()] });
  for (const { status, body } of [await cancel("nothing"), await cancel(commandId, { key })])
    expect([status, body.error.code]).toEqual([404, "command_not_found"]);
  expect((await stored(commandId))?.state).toBe("queued");
});

test("200, 409: under a key, a message is cancelled once and a refusal is repeated", async () => {
  const { commandId } = await queuedSend();
  const headers = { "Idempotency-Key": "back" };
  const all = await Promise.all(Array.from({ length: 5 }, () => cancel(commandId, { headers })));
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect((await cancel(commandId, { headers })).body).toEqual(all[0]?.body);
  const refused = { "Idempotency-Key": "too-late" };
  const first = await cancel(commandId, { headers: refused });
  await set(commandId, { state: "queued" });
  const again = await cancel(commandId, { headers: refused });
  expect([first.status, again.status, again.body.error.details]).toEqual([
    409,
    409,
    first.body.error.details,
  ]);
});
