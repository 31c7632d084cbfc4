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

/** As a service that knows only the documents would do it. */
async function insert(document: Record<string, unknown>) {
  const _id = `foreign-${Math.random().toString(36).slice(2)}`;
  await system.database.db.collection<{ _id: string }>("commands").insertOne({ _id, ...document });
  return {
    settles: () =>
      eventually(
        async () => {
          const found = await system.collections.commands.findOne({ _id });
          return found?.doneAt ? found : null;
        },
        { withinMs: 20_000 },
      ) as Promise<CommandDocument>,
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
  "a command that comes with the state %j is carried out as one without",
  async (state) => {
    const payload = { to: contact, content: { type: "text", text: `As ${state}` } };
    const command = await insert({ channelId: channel.channelId, type: "message.send", payload, state });
    expect((await command.settles()).state).toBe("succeeded");
  },
);

test("they are carried out in the order they were seen", async () => {
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
    "a payload of another shape",
    ["payload.to", "payload.content"],
    (channelId) => ({ channelId, type: "message.send", payload: { to: 5, content: "x" } }),
  ],
  [
    "a field too many",
    ["payload.now"],
    (channelId) => ({ channelId, type: "channel.disconnect", payload: { now: true } }),
  ],
  ["a type that does not exist", ["type"], (channelId) => ({ channelId, type: "message.fly", payload: {} })],
  [
    "a channel that does not exist",
    ["channelId"],
    () => ({ channelId: "nowhere", type: "channel.connect", payload: {} }),
  ],
  [
    "a state that is the connector's",
    ["state"],
    (channelId) => ({ channelId, type: "channel.connect", payload: {}, state: "running" }),
  ],
  ["no channel", ["channelId"], () => ({ type: "channel.connect", payload: {} })],
  [
    "a lane that does not exist",
    ["lane"],
    (channelId) => ({ channelId, type: "channel.connect", payload: {}, lane: 9 }),
  ],
];

test.each(malformed)("invalid_command: %s names %j, and the queue goes on", async (_, fields, document) => {
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
});

test("disconnect and connect work the same way", async () => {
  await (await insert({ channelId: channel.channelId, type: "channel.disconnect", payload: {} })).settles();
  await channel.becomes("inactive", "disconnected");
  await (await insert({ channelId: channel.channelId, type: "channel.connect", payload: {} })).settles();
  await channel.becomes("active");
});

test("a document without an _id is carried out too, and is found by the hex of what the driver gave it", async () => {
  const payload = { to: contact, content: { type: "text", text: "Without an id" } };
  const document = { channelId: channel.channelId, type: "message.send", payload };
  const { insertedId } = await system.database.db.collection("commands").insertOne(document);
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "Without an id");
  await eventually(async () => {
    const { body } = await system.api().get(`/commands/${insertedId.toHexString()}`);
    return body.ok && (body.payload as { state?: string }).state === "succeeded";
  });
});

test("a channel that another service deletes is gone for callers while it is still being unlinked", async () => {
  const deleted = await pairedChannel(system, "15550100039");
  const left = () => system.collections.channels.countDocuments({ _id: deleted.channelId });
  await system.api().post(`/channels/${deleted.channelId}/disconnect`);
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  await insert({ channelId: deleted.channelId, type: "channel.delete", payload: {} });
  await eventually(async () => (await system.api().get(`/channels/${deleted.channelId}`)).status === 404);
  expect(await left()).toBe(1);
  system.sandbox.faults.clear();
  await eventually(async () => (await left()) === 0, { withinMs: 25_000 });
  expect(deleted.phone.devices()).toEqual([]);
});
