import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({
    settings: { sendTtlSeconds: 77, mediaAllowHosts: ["127.0.0.1:8080"] },
  });
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

const jid = "1234567890@s.whatsapp.net";
const text = { to: jid, message: "Hello from automated WhatsApp!", type: "text" };
const active = () => functions.addChannel({ status: "active", wanted: "connected" });
const sent = { state: "succeeded" as const, result: {} };

test("200: a text is sent under the id fixed when it was accepted", async () => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send`, { body: text });
  const command = await functions.settle(channelId, "message.send", sent);
  const { status, body, headers } = await pending;
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    message: "Message sent",
    payload: { messageId: command.messageId, to: jid, type: "text", status: "sent" },
  });
  expect(command.messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
  expect(headers.get("location")).toBe(`/api/whatsapp/commands/${command._id}`);
});

test("200: the command has every field that the connector expects, with `ord` and times of the database", async () => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "+1 234-567-890", message: "$price" },
  });
  const command = await functions.settle(channelId, "message.send", sent);
  await pending;
  expect(command).toMatchObject({
    channelId,
    type: "message.send",
    lane: 1,
    payload: { to: jid, content: { type: "text", text: "$price" } },
    attempts: 0,
  });
  expect(command.keyId).toEqual(expect.any(String));
  expect(command.ord.toBigInt()).toBeGreaterThan(0n);
  expect(command.notBefore).toEqual(command.createdAt);
  expect(command.expiresAt.getTime() - command.createdAt.getTime()).toBe(77_000);
});

test("200: two sends keep their order", async () => {
  const channelId = await active();
  const first = await functions.call("POST", `/channels/${channelId}/send`, {
    body: text,
    headers: { Prefer: "wait=0" },
  });
  const second = await functions.call("POST", `/channels/${channelId}/send`, {
    body: text,
    headers: { Prefer: "wait=0" },
  });
  const rows = await functions.db.commands.find({ channelId }).sort({ ord: 1 }).toArray();
  const [before = 0n, after = 0n] = rows.map(({ ord }) => ord.toBigInt());
  expect(after).toBeGreaterThan(before);
  expect(rows.map(({ messageId }) => messageId)).toEqual([
    first.body.payload.messageId,
    second.body.payload.messageId,
  ]);
});

test("202: a send without a result in time answers `queued` and the URL of its command", async () => {
  const channelId = await active();
  const { status, body, headers } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: text,
    headers: { Prefer: "respond-async" },
  });
  const command = await functions.command(channelId, "message.send");
  expect(status).toBe(202);
  expect(body).toEqual({
    ok: true,
    message: "Message queued",
    payload: {
      messageId: command.messageId,
      to: jid,
      type: "text",
      status: "queued",
      commandId: command._id,
    },
  });
  expect(headers.get("location")).toBe(`/api/whatsapp/commands/${command._id}`);
  expect(headers.get("preference-applied")).toBe("respond-async");
});

test("202: wait=1 waits a second and is confirmed", async () => {
  const channelId = await active();
  const { status, headers } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: text,
    headers: { Prefer: "wait=1" },
  });
  expect([status, headers.get("preference-applied")]).toEqual([202, "wait=1"]);
});

test("202: a send without an acknowledgement answers `unknown`", async () => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send`, { body: text });
  await functions.settle(channelId, "message.send", {
    state: "unknown",
    error: { code: "not_sent", message: "WhatsApp did not acknowledge it" },
  });
  const { status, body } = await pending;
  expect([status, body.ok, body.payload.status]).toEqual([202, true, "unknown"]);
  expect(body.payload.messageId).toMatch(/^3EB0/);
});

test("202: an inactive channel accepts a send, which does not wait", { timeout: 5_000 }, async () => {
  const channelId = await functions.addChannel({ status: "connecting" });
  const { status, body } = await functions.call("POST", `/channels/${channelId}/send`, { body: text });
  expect([status, body.payload.status]).toEqual([202, "queued"]);
});

test("200: a send on an inactive channel waits if Prefer asks for it", async () => {
  const channelId = await functions.addChannel({ status: "connecting" });
  const pending = functions.call("POST", `/channels/${channelId}/send`, {
    body: text,
    headers: { Prefer: "wait=60" },
  });
  await functions.settle(channelId, "message.send", sent);
  const { status, headers } = await pending;
  expect([status, headers.get("preference-applied")]).toEqual([200, "wait=30"]);
});

test("409: a logged-out channel sends nothing", async () => {
  const channelId = await functions.addChannel({ status: "logged_out" });
  const { status, body } = await functions.call("POST", `/channels/${channelId}/send`, { body: text });
  expect([status, body.error.code]).toEqual([409, "channel_logged_out"]);
  expect(await functions.db.commands.countDocuments({ channelId })).toBe(0);
});

test("422: a refusal by WhatsApp has the message id, the command id and WhatsApp's code", async () => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send`, { body: text });
  const command = await functions.settle(channelId, "message.send", {
    state: "failed",
    error: { code: "whatsapp_rejected", message: "WhatsApp refused it", details: { whatsappCode: 463 } },
  });
  const { status, body } = await pending;
  expect(status).toBe(422);
  expect(body.error).toEqual({
    code: "whatsapp_rejected",
    message: "WhatsApp refused it",
    details: { messageId: command.messageId, commandId: command._id, whatsappCode: 463 },
    requestId: expect.any(String),
    retryable: false,
  });
});

test.each([
  ["failed", { code: "recipient_not_on_whatsapp", message: "no" }, 422, "recipient_not_on_whatsapp"],
  ["failed", { code: "channel_logged_out", message: "no" }, 409, "channel_logged_out"],
  ["failed", { code: "media_too_large", message: "no" }, 422, "media_too_large"],
  [
    "failed",
    { code: "invalid_command", message: "no", details: [{ field: "to", message: "x" }] },
    422,
    "invalid_command",
  ],
  ["expired", { code: "expired", message: "old" }, 422, "expired"],
  ["expired", undefined, 422, "expired"],
  ["dead", { code: "not_sent", message: "three times" }, 422, "not_sent"],
  ["failed", { code: "of_a_later_version", message: "?" }, 500, "internal"],
] as const)("a command that is %s with %o answers %i", async (state, error, expected, code) => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send`, { body: text });
  const command = await functions.settle(channelId, "message.send", {
    state,
    ...(error && { error }),
  } as never);
  const { status, body } = await pending;
  expect([status, body.error.code]).toEqual([expected, code]);
  expect(body.error.details).toMatchObject({ messageId: command.messageId, commandId: command._id });
});

test.each([
  ["a number with a plus", "+1234567890", jid],
  ["digits", "1234567890", jid],
  ["an upper-case JID with a device", "1234567890:5@S.WhatsApp.net", jid],
  ["a LID", "123456789012345@lid", "123456789012345@lid"],
])("202: %s is answered with its normalised JID", async (_what, to, normalised) => {
  const channelId = await functions.addChannel();
  const { body } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: { to, message: "x" },
  });
  expect(body.payload.to).toBe(normalised);
});

test.each([
  ["an invalid number", { ...text, to: "somebody" }, "to"],
  ["a group", { ...text, to: "123456789-123@g.us" }, "to"],
  ["no recipient", { message: "x" }, "to"],
  ["no text", { to: jid, message: "" }, "message"],
  ["a text of 4,097 characters", { to: jid, message: "x".repeat(4_097) }, "message"],
  ["another type", { ...text, type: "image" }, "type"],
  ["an unknown field", { ...text, delay: 5 }, "delay"],
])("400: %s is refused", async (_what, body, field) => {
  const channelId = await active();
  const answer = await functions.call("POST", `/channels/${channelId}/send`, { body });
  expect(answer.status).toBe(400);
  expect(answer.body.error.details).toEqual([{ field, message: expect.any(String) }]);
  expect(await functions.db.commands.countDocuments({ channelId })).toBe(0);
});

const image = { to: jid, mediaType: "image", mediaUrl: "https://example.com/image.jpg" };

test("200: media is sent with its kind as the type", async () => {
  const channelId = await active();
  const pending = functions.call("POST", `/channels/${channelId}/send-media`, {
    body: { ...image, caption: "Check out this image!" },
  });
  const command = await functions.settle(channelId, "message.send", sent);
  expect(command.payload).toEqual({
    to: jid,
    content: { type: "image", media: { url: image.mediaUrl }, caption: "Check out this image!" },
  });
  const { status, body } = await pending;
  expect(status).toBe(200);
  expect(body.payload).toEqual({ messageId: command.messageId, to: jid, type: "image", status: "sent" });
});

test.each(["image", "video", "audio", "voice", "document", "sticker"])(
  "202: a send of type %s is accepted",
  async (mediaType) => {
    const channelId = await functions.addChannel();
    const { status, body } = await functions.call("POST", `/channels/${channelId}/send-media`, {
      body: { ...image, mediaType },
    });
    expect([status, body.payload.type]).toEqual([202, mediaType]);
  },
);

test("202: a private host is accepted if the operator allows it", async () => {
  const channelId = await functions.addChannel();
  const { status } = await functions.call("POST", `/channels/${channelId}/send-media`, {
    body: { ...image, mediaUrl: "http://127.0.0.1:8080/a.png" },
  });
  expect(status).toBe(202);
});

test.each([
  ["a loopback address", { ...image, mediaUrl: "http://127.0.0.1/a" }, "mediaUrl"],
  ["a loopback address in hexadecimal", { ...image, mediaUrl: "http://0x7f000001/a" }, "mediaUrl"],
  ["a link-local address", { ...image, mediaUrl: "http://169.254.169.254/latest" }, "mediaUrl"],
  ["a file", { ...image, mediaUrl: "file:///etc/passwd" }, "mediaUrl"],
  ["a path", { ...image, mediaUrl: "/etc/passwd" }, "mediaUrl"],
  ["data", { ...image, mediaUrl: "data:image/png;base64,AAAA" }, "mediaUrl"],
  ["credentials", { ...image, mediaUrl: "https://a:b@example.com/a" }, "mediaUrl"],
  ["another port", { ...image, mediaUrl: "https://example.com:22/a" }, "mediaUrl"],
  ["no URL", { to: jid, mediaType: "image" }, "mediaUrl"],
  ["an unknown kind", { ...image, mediaType: "hologram" }, "mediaType"],
  ["an upload, which is not supported", { ...image, mediaId: "x" }, "mediaId"],
  ["a caption of 1,025 characters", { ...image, caption: "x".repeat(1_025) }, "caption"],
  ["a caption on a voice message", { ...image, mediaType: "voice", caption: "x" }, "caption"],
  ["a file name on an image", { ...image, fileName: "a.jpg" }, "fileName"],
])("400: media with %s is refused", async (_what, body, field) => {
  const channelId = await active();
  const answer = await functions.call("POST", `/channels/${channelId}/send-media`, { body });
  expect(answer.status).toBe(400);
  expect(answer.body.error.details).toEqual([{ field, message: expect.any(String) }]);
  expect(await functions.db.commands.countDocuments({ channelId })).toBe(0);
});
