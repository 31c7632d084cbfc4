import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { servePicture } from "#infra/demo/picture.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { type OneProcess, startSystem } from "../support/system.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const phoneNumber = "15550100021";
const contact = "15550100022";
let system: OneProcess;
let channel: TestChannel;
let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let picture: Awaited<ReturnType<typeof servePicture>>;
let subscription: Awaited<ReturnType<typeof subscribeTo>>;

beforeAll(async () => {
  temporary = await temporaryFolder();
  // Moves `os.tmpdir()`, so that the files of other tests do not count.
  vi.stubEnv("TMPDIR", temporary.path);
  picture = await servePicture();
  system = await startSystem({ config: { mediaAllowHosts: [picture.host] } });
  channel = await pairedChannel(system, phoneNumber);
  subscription = await subscribeTo(system, channel.channelId);
});

afterEach(() => system.sandbox.faults.clear());

afterAll(async () => {
  vi.unstubAllEnvs();
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
  await temporary[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const send = (body: object, headers: Record<string, string> = {}) =>
  system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: contact, message: "Hello", ...body }, headers);
const sendMedia = (body: object) =>
  system.api().post(`/channels/${channel.channelId}/send-media`, {
    to: contact,
    mediaType: "image",
    mediaUrl: picture.url,
    ...body,
  });
const command = (commandId: string) => system.collections.commands.findOne({ _id: commandId });
const statusesOf = (messageId: string) =>
  subscription
    .named("message_status_update")
    .filter((event) => event.messageId === messageId)
    .map(({ status }) => status);

test("a send answers 200, and the contact gets one message with the id in the answer", async () => {
  const { status, body } = await send({ message: "Good morning" });
  expect(status).toBe(200);
  expect(body).toStrictEqual({
    ok: true,
    message: "Message sent",
    payload: {
      messageId: body.payload.messageId,
      to: `${contact}@s.whatsapp.net`,
      type: "text",
      status: "sent",
    },
  });
  const received = await system.sandbox
    .account(contact)
    .waitForMessage(({ id }) => id === body.payload.messageId);
  expect(received).toMatchObject({ text: "Good morning", copies: 1 });
  await eventually(() => statusesOf(body.payload.messageId).includes("delivered"));
  expect(statusesOf(body.payload.messageId)).toEqual(["sent", "delivered"]);
});

test("a send that WhatsApp refuses answers 422 with WhatsApp's code, and never arrives", async () => {
  system.sandbox.faults.ackError(phoneNumber, 463, { times: 1 });
  const { status, body } = await send({ message: "Refused" });
  expect(status).toBe(422);
  expect(body.error).toMatchObject({ code: "whatsapp_rejected", details: { whatsappCode: 463 } });
  const { messageId, commandId } = body.error.details as { messageId: string; commandId: string };
  expect(await command(commandId)).toMatchObject({ state: "failed", messageId });
  await eventually(() => statusesOf(messageId).includes("failed"));
  expect(system.sandbox.account(contact).inbox.some(({ id }) => id === messageId)).toBe(false);
});

test("an unacknowledged send answers 202 unknown, and a receipt settles it", async () => {
  await using hasty = await startSystem({ timings: { ackMs: 300 } });
  const shop = await pairedChannel(hasty, phoneNumber);
  const { receives } = await subscribeTo(hasty, shop.channelId);
  const other = hasty.sandbox.account(contact);
  const state = async (_id: string) => (await hasty.collections.commands.findOne({ _id }))?.state;
  hasty.sandbox.faults.withholdAcks(phoneNumber, true);
  hasty.sandbox.faults.receipts(phoneNumber, "never");
  const { status, body } = await hasty
    .api()
    .post(`/channels/${shop.channelId}/send`, { to: contact, message: "Maybe" });
  const { messageId, commandId } = body.payload;
  expect([status, body.payload.status]).toEqual([202, "unknown"]);
  expect(await state(commandId)).toBe("unknown");
  await other.waitForMessage(({ id }) => id === messageId);
  await receives(
    "message_status_update",
    (update) => update.messageId === messageId && update.status === "unknown",
  );
  other.markRead(messageId);
  await receives(
    "message_status_update",
    (update) => update.messageId === messageId && update.status === "read",
  );
  await eventually(async () => (await state(commandId)) === "succeeded");
});

test("a send to a number that is not on WhatsApp answers 422", async () => {
  system.sandbox.notOnWhatsApp("15550100029");
  const { status, body } = await send({ to: "15550100029" });
  expect(status).toBe(422);
  expect(body.error.code).toBe("recipient_not_on_whatsapp");
});

test("a send to an unknown LID answers 422, even if a known number has the same digits", async () => {
  expect((await send({ message: "To the number" })).status).toBe(200);
  for (const to of ["4242@lid", `${contact}@lid`]) {
    const { status, body } = await send({ to, message: "To nobody" });
    expect([status, body.error?.code]).toEqual([422, "recipient_not_on_whatsapp"]);
  }
  expect(system.sandbox.account(contact).inbox.some(({ text }) => text === "To nobody")).toBe(false);
});

test("a send to a LID arrives, and the answer names the LID", async () => {
  const { lid } = system.sandbox.account(contact);
  const { status, body } = await send({ to: lid, message: "By LID" });
  expect(status).toBe(200);
  expect(body.payload.to).toBe(lid);
  await system.sandbox.account(contact).waitForMessage(({ text }) => text === "By LID");
});

/** The texts with this prefix that the contact received, each with its number of copies. */
const arrived = (prefix: string) =>
  system.sandbox
    .account(contact)
    .inbox.filter(({ text }) => text?.startsWith(prefix))
    .map(({ text, copies }) => [text, copies]);

test("40 concurrent sends arrive once each", async () => {
  const texts = Array.from({ length: 40 }, (_, index) => `At once ${index}`);
  const answers = await Promise.all(texts.map((message) => send({ message }, { Prefer: "wait=30" })));
  expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 200));
  expect(arrived("At once ").toSorted()).toEqual(texts.map((text) => [text, 1]).toSorted());
});

test("40 sends, each accepted before the next is requested, arrive once and in that order", async () => {
  const texts = Array.from({ length: 40 }, (_, index) => `Number ${index}`);
  for (const message of texts) {
    expect((await send({ message }, { Prefer: "respond-async" })).status).toBe(202);
  }
  await eventually(() => arrived("Number ").length >= texts.length);
  expect(arrived("Number ")).toEqual(texts.map((text) => [text, 1]));
});

test("sending and receiving at the same time reuses no ratchet counter", async () => {
  const other = system.sandbox.account(contact);
  await Promise.all(
    Array.from({ length: 25 }, async (_, index) => {
      await Promise.all([send({ message: `Out ${index}` }), other.sendText(phoneNumber, `In ${index}`)]);
    }),
  );
  await eventually(
    () =>
      subscription.named("incoming_message").filter(({ message }) => String(message).startsWith("In "))
        .length === 25,
  );
  await eventually(() => arrived("Out ").length === 25);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ reusedRatchetCounters: 0, decryptFailures: 0 });
});

test("an image arrives byte for byte, with its caption", async () => {
  const { status, body } = await sendMedia({ caption: "Look" });
  expect(body).toMatchObject({ ok: true, payload: { type: "image", status: "sent" } });
  expect(status).toBe(200);
  const { media } = await system.sandbox
    .account(contact)
    .waitForMessage(({ id }) => id === body.payload.messageId);
  expect(media).toMatchObject({ kind: "image", mimetype: "image/png", caption: "Look" });
  expect(picture.bytes.equals(media?.bytes ?? Buffer.alloc(0))).toBe(true);
});

test("a media host may take longer to answer than Node's 5 s", {
  timeout: 120_000,
}, async () => {
  const { faults } = system.sandbox.media;
  faults.delayMs = 6_000;
  // Sent as a document, because the upload of the image is cached.
  const { status, body } = await sendMedia({ mediaType: "document", fileName: "slow.png" });
  faults.delayMs = 0;
  expect([status, body.payload?.status]).toEqual([200, "sent"]);
});

test.each([
  ["sticker", "media_type_mismatch"],
  ["video", "media_type_mismatch"],
])("a PNG sent as a %s answers 422 %s", async (mediaType, code) => {
  const { status, body } = await sendMedia({ mediaType });
  expect(status).toBe(422);
  expect(body.error.code).toBe(code);
});

test("media that cannot be fetched answers 422 media_unavailable", async () => {
  const { status, body } = await sendMedia({ mediaUrl: "https://does-not-exist.invalid/picture.png" });
  expect(status).toBe(422);
  expect(body.error.code).toBe("media_unavailable");
});

test("no temporary file remains, whether the media was sent or refused", async () => {
  expect((await sendMedia({ caption: "Fine" })).status).toBe(200);
  expect((await sendMedia({ mediaType: "video" })).status).toBe(422);
  system.sandbox.faults.ackError(phoneNumber, 463, { times: 1 });
  expect((await sendMedia({ caption: "Refused" })).status).toBe(422);
  await eventually(async () => (await readdir(temporary.path)).length === 0);
});

test("a contact that cannot decrypt a message asks again and gets the same message", async () => {
  const other = system.sandbox.account(contact);
  // The contact starts the session, so it can decrypt nothing that follows once it forgets it.
  await other.sendText(phoneNumber, "You there?");
  await subscription.receives("incoming_message", ({ message }) => message === "You there?");
  const { retriesAsked } = system.sandbox.counts;
  await other.forgetSessions();
  const { body } = await send({ message: "Once more" });
  const received = await other.waitForMessage(({ id }) => id === body.payload.messageId);
  expect(received.text).toBe("Once more");
  expect(system.sandbox.counts.retriesAsked).toBe(retriesAsked + 1);
});

test("a message written on the phone is published as outgoing_message", async () => {
  await channel.phone.sendText(contact, "From my pocket");
  const event = await subscription.receives(
    "outgoing_message",
    ({ message }) => message === "From my pocket",
  );
  expect(event).toMatchObject({
    to: `${contact}@s.whatsapp.net`,
    type: "outgoing",
    sender: `${phoneNumber}@s.whatsapp.net`,
  });
});

test("an incoming image is published with its type and size", async () => {
  await system.sandbox.account(contact).sendMedia(phoneNumber, {
    kind: "image",
    bytes: picture.bytes,
    mimetype: "image/png",
    caption: "For you",
  });
  const event = await subscription.receives("incoming_message", ({ message }) => message === "For you");
  expect(event.content).toMatchObject({
    type: "image",
    mimetype: "image/png",
    sizeBytes: picture.bytes.length,
    caption: "For you",
  });
});

test("a message from a LID is published with the sender's phone number too", async () => {
  const { lid } = system.sandbox.account(contact);
  await system.sandbox.account(contact).sendText(phoneNumber, "From a LID", { addressing: "lid" });
  const event = await subscription.receives("incoming_message", ({ message }) => message === "From a LID");
  expect(event).toMatchObject({ from: `${contact}@s.whatsapp.net`, phoneNumber: contact, lid });
});
