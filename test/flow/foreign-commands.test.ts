import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const contact = "15550100032";
let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  system = await startSystem();
  channel = await pairedChannel(system, "15550100031");
});

afterAll(() => system[Symbol.asyncDispose]());

/** Inserts a command as a service would that knows only the shape of the documents. */
async function insert(document: Record<string, unknown>) {
  const _id = `foreign-${Math.random().toString(36).slice(2)}`;
  await system.database.db.collection<{ _id: string }>("commands").insertOne({ _id, ...document });
  return {
    settles: () =>
      eventually(async () => {
        const found = await system.collections.commands.findOne({ _id });
        return found?.doneAt ? found : null;
      }) as Promise<CommandDocument>,
  };
}

test("a command that another service inserts is carried out, and its result is in the document", async () => {
  const payload = { to: contact, content: { type: "text", text: "From elsewhere" } };
  const command = await insert({ channelId: channel.channelId, type: "message.send", payload });
  const { state, result } = await command.settles();
  expect(state).toBe("succeeded");
  const received = await system.sandbox
    .account(contact)
    .waitForMessage(({ text }) => text === "From elsewhere");
  expect(result).toMatchObject({ messageId: received.id, status: "sent" });
});

test.each(["queued", null])(
  "a command inserted with state %j is carried out like one without a state",
  async (state) => {
    const payload = { to: contact, content: { type: "text", text: `As ${state}` } };
    const command = await insert({ channelId: channel.channelId, type: "message.send", payload, state });
    expect((await command.settles()).state).toBe("succeeded");
  },
);

test("commands that another service inserts are carried out in the order of their insertion", async () => {
  const texts = Array.from({ length: 10 }, (_, index) => `Foreign ${index}`);
  for (const text of texts) {
    await insert({
      channelId: channel.channelId,
      type: "message.send",
      payload: { to: contact, content: { type: "text", text } },
    });
  }
  const received = () =>
    system.sandbox.account(contact).inbox.filter(({ text }) => text?.startsWith("Foreign "));
  await eventually(() => received().length === texts.length);
  expect(received().map(({ text }) => text)).toEqual(texts);
});

const malformed: Array<[string, string[], (channelId: string) => Record<string, unknown>]> = [
  ["no payload", ["payload"], (channelId) => ({ channelId, type: "message.send" })],
  [
    "a payload of the wrong shape",
    ["payload.to", "payload.content"],
    (channelId) => ({ channelId, type: "message.send", payload: { to: 5, content: "x" } }),
  ],
  [
    "an unknown field",
    ["payload.now"],
    (channelId) => ({ channelId, type: "channel.disconnect", payload: { now: true } }),
  ],
  ["an unknown type", ["type"], (channelId) => ({ channelId, type: "message.fly", payload: {} })],
  [
    "an unknown channel",
    ["channelId"],
    () => ({ channelId: "nowhere", type: "channel.connect", payload: {} }),
  ],
  [
    "a state that only the connector sets",
    ["state"],
    (channelId) => ({ channelId, type: "channel.connect", payload: {}, state: "running" }),
  ],
  ["no channel", ["channelId"], () => ({ type: "channel.connect", payload: {} })],
  [
    "an unknown lane",
    ["lane"],
    (channelId) => ({ channelId, type: "channel.connect", payload: {}, lane: 9 }),
  ],
];

test.each(malformed)(
  "a command with %s fails as invalid_command naming %j, and the next one is carried out",
  async (_, fields, document) => {
    const command = await insert(document(channel.channelId));
    const { state, error } = await command.settles();
    expect(state).toBe("failed");
    expect(error).toMatchObject({ code: "invalid_command", details: fields.map((field) => ({ field })) });
    const next = await insert({
      channelId: channel.channelId,
      type: "message.send",
      payload: { to: contact, content: { type: "text", text: "Still here" } },
    });
    expect((await next.settles()).state).toBe("succeeded");
  },
);

test("channel.disconnect and channel.connect work when another service inserts them", async () => {
  await (await insert({ channelId: channel.channelId, type: "channel.disconnect", payload: {} })).settles();
  await channel.becomes("inactive", "disconnected");
  await (await insert({ channelId: channel.channelId, type: "channel.connect", payload: {} })).settles();
  await channel.becomes("active");
});

test("a command inserted without an _id is carried out, and the API finds it by the hex of its ObjectId", async () => {
  const payload = { to: contact, content: { type: "text", text: "Without an id" } };
  const document = { channelId: channel.channelId, type: "message.send", payload };
  const { insertedId } = await system.database.db.collection("commands").insertOne(document);
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "Without an id");
  await eventually(async () => {
    const { body } = await system.api().get(`/commands/${insertedId.toHexString()}`);
    return body.ok && (body.payload as { state?: string }).state === "succeeded";
  });
});

test("a channel that another service deletes answers 404 while it is still being unlinked", async () => {
  const deleted = await pairedChannel(system, "15550100039");
  const remaining = () => system.collections.channels.countDocuments({ _id: deleted.channelId });
  await system.api().post(`/channels/${deleted.channelId}/disconnect`);
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  await insert({ channelId: deleted.channelId, type: "channel.delete", payload: {} });
  await eventually(async () => (await system.api().get(`/channels/${deleted.channelId}`)).status === 404);
  expect(await remaining()).toBe(1);
  system.sandbox.faults.clear();
  await eventually(async () => (await remaining()) === 0);
  expect(deleted.phone.devices()).toEqual([]);
});
