import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { servePicture } from "#infra/demo/picture.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100401";
/** The number as it is dialled, and as it is registered. */
const [dialled, registered] = ["5511955500402", "551155500402"];
const jidOf = (number: string) => `${number}@s.whatsapp.net`;
let system: OneProcess;
let channel: TestChannel;
let picture: Awaited<ReturnType<typeof servePicture>>;

beforeAll(async () => {
  picture = await servePicture();
  system = await startSystem({ config: { mediaAllowHosts: [picture.host] }, timings: { ackMs: 4_000 } });
  channel = await pairedChannel(system, phoneNumber);
  system.sandbox.registeredAs(dialled, registered);
});

afterEach(() => system.sandbox.faults.clear());

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const post = (action: string, body: object) =>
  system.api().post(`/channels/${channel.channelId}/${action}`, body);
const send = (to: string, message = "Hello") => post("send", { to, message });
const sendPicture = (to: string) =>
  post("send-media", { to, mediaType: "image", mediaUrl: picture.url, caption: "Look" });
const received = (number: string, messageId: string) =>
  system.sandbox.account(number).waitForMessage(({ id }) => id === messageId);
const onOwnPhone = () => system.sandbox.account(phoneNumber).inbox.map(({ id }) => id);
const row = (messageId: string) => system.collections.messages.findOne({ messageId, direction: "out" });

test("a number registered under another JID gets its messages there, and everything told names what was asked", async () => {
  const { status, body } = await send(dialled);
  const { messageId } = body.payload;
  expect([status, body.payload]).toMatchObject([200, { to: jidOf(dialled), status: "sent" }]);
  await received(registered, messageId);
  await eventually(async () => (await row(messageId))?.status === "delivered");
  expect(await row(messageId)).toMatchObject({ chat: jidOf(registered), to: jidOf(dialled) });
  const command = await system.collections.commands.findOne({ messageId });
  expect(command).toMatchObject({ state: "succeeded", result: { to: jidOf(dialled) } });
});

test("media goes there, too, and a contact there that cannot decrypt it gets it again", async () => {
  await send(dialled);
  system.sandbox.account(registered).forgetSessions();
  const { status, body } = await sendPicture(dialled);
  expect(status).toBe(200);
  expect(await received(registered, body.payload.messageId)).toMatchObject({ media: { kind: "image" } });
  system.sandbox.counts.reset();
});

test("an unanswered send is repeated to the JID it went to", async () => {
  system.sandbox.faults.withholdAcks(phoneNumber, true);
  system.sandbox.faults.receipts(phoneNumber, "never");
  const { status, body } = await send(dialled);
  expect(status).toBe(202);
  system.sandbox.faults.clear();
  system.sandbox.faults.drop(phoneNumber);
  const { messageId } = body.payload;
  await eventually(async () => {
    const command = await system.collections.commands.findOne({ messageId });
    return command?.state === "succeeded" && command.resentAt;
  });
  await eventually(() =>
    system.sandbox.account(registered).inbox.some(({ id, copies }) => id === messageId && copies === 2),
  );
});

test.each([
  ["a number", "15550100404", (number: string) => number],
  ["a LID", "15550100405", (number: string) => system.sandbox.account(number).lid],
])(
  "%s that names no device is not sent to, not even to our own phone, and can be retried",
  async (_, number, toOf) => {
    system.sandbox.withoutDevices(number, true);
    const to = toOf(number);
    const [text, media] = await Promise.all([send(to), sendPicture(to)]);
    for (const { status, body } of [text, media]) {
      expect([status, body.error]).toMatchObject([422, { code: "not_sent", retryable: true }]);
      const { messageId } = body.error.details as { messageId: string };
      expect(onOwnPhone()).not.toContain(messageId);
      expect(await row(messageId)).not.toMatchObject({ status: "sent" });
    }
    system.sandbox.withoutDevices(number, false);
    const { commandId, messageId } = text.body.error.details as { commandId: string; messageId: string };
    const retried = await system.api().post(`/commands/${commandId}/retry`);
    expect(retried.status).toBe(202);
    await received(number, messageId);
  },
  40_000,
);
