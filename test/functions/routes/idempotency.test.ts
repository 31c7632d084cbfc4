import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

const text = { to: "15551234567", message: "hi" };
const keyed = (key: string, prefer = "wait=0") => ({ "Idempotency-Key": key, Prefer: prefer });
const sendTo = (channelId: string, key: string, body: object = text, prefer = "wait=0") =>
  functions.call("POST", `/channels/${channelId}/send`, { body, headers: keyed(key, prefer) });
const commandsOf = (channelId: string) => functions.db.commands.find({ channelId }).toArray();
const isReplayed = ({ headers }: { headers: Headers }) => headers.get("idempotency-replayed") === "true";

test("202: the same send again is answered the same, says so, and is one command", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const first = await sendTo(channelId, "order-1");
  const again = await sendTo(channelId, "order-1", { message: text.message, to: text.to });
  expect([first.status, again.status, again.body]).toEqual([202, 202, first.body]);
  expect([isReplayed(first), isReplayed(again)]).toEqual([false, true]);
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
  expect(again.headers.get("preference-applied")).toBe("wait=0");
  const [command, ...others] = await commandsOf(channelId);
  expect([command?._id, others]).toEqual([first.body.payload.commandId, []]);
});

test("20 sends at once under one key are one command, and all answers are the same", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const answers = Array.from({ length: 20 }, () => sendTo(channelId, "at-once", text, "wait=30"));
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const all = await Promise.all(answers);
  expect(new Set(all.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  expect(all[0]?.body.message).toBe("Message sent");
  expect(all.filter((answer) => !isReplayed(answer))).toHaveLength(1);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("202, 200: a repetition waits for what is under way, and is answered from what became of it", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const first = await sendTo(channelId, "order-2");
  expect(first.status).toBe(202);
  const waiting = sendTo(channelId, "order-2", text, "wait=30");
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const { messageId } = first.body.payload;
  expect((await waiting).body.payload).toMatchObject({ messageId, status: "sent" });
  expect((await sendTo(channelId, "order-2")).status).toBe(202);
  expect(await sendTo(channelId, "order-2", text, "wait=5")).toMatchObject({
    status: 200,
    body: { payload: { messageId, status: "sent" } },
  });
});

test("200: what was sent is told so again when nobody would wait for it any more", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const send = () =>
    functions.call("POST", `/channels/${channelId}/send`, {
      body: text,
      headers: { "Idempotency-Key": "sent" },
    });
  const asking = send();
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const first = await asking;
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "inactive" } });
  const again = await send();
  expect([first.status, again.status, again.body, isReplayed(again)]).toEqual([200, 200, first.body, true]);
});

test("422: what WhatsApp refused is refused again, and not sent again", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const asking = sendTo(channelId, "order-3", text, "wait=30");
  const error = { code: "whatsapp_rejected" as const, message: "no", details: { whatsappCode: 463 } };
  await functions.settle(channelId, "message.send", { state: "failed", error });
  const [first, again] = [await asking, await sendTo(channelId, "order-3", text, "wait=30")];
  expect([first.status, isReplayed(first)]).toEqual([422, false]);
  expect([again.status, isReplayed(again)]).toEqual([422, true]);
  expect(again.body.error).toEqual({ ...first.body.error, requestId: again.headers.get("x-request-id") });
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("422: another body under the same key, and nothing is sent", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "order-4");
  const other = await sendTo(channelId, "order-4", { ...text, message: "other" });
  expect([other.status, other.body.error.code]).toEqual([422, "idempotency_key_reused"]);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("202: a key is an API key's own, on one route of one channel", async () => {
  const [channelId, other] = [await functions.addChannel(), await functions.addChannel()];
  await sendTo(channelId, "mine");
  await sendTo(other, "mine", { ...text, message: "other" });
  const key = await functions.addKey();
  const body = { ...text, message: "another's" };
  const theirs = await functions.call("POST", `/channels/${channelId}/send`, {
    body,
    headers: keyed("mine"),
    key,
  });
  const connect = await functions.call("POST", `/channels/${channelId}/connect`, { headers: keyed("mine") });
  expect([theirs.status, connect.status]).toEqual([202, 202]);
  expect([isReplayed(theirs), isReplayed(connect)]).toEqual([false, false]);
  expect(await commandsOf(channelId)).toHaveLength(3);
});

test("202: however the path is spelled", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "spelled");
  const [first = ""] = channelId;
  const spelled = `%${first.charCodeAt(0).toString(16)}${channelId.slice(1)}`;
  expect(isReplayed(await sendTo(spelled, "spelled"))).toBe(true);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("400: what is not valid is refused again, and another body is another request", async () => {
  const channelId = await functions.addChannel();
  const first = await sendTo(channelId, "order-5", { ...text, to: "x" });
  const again = await sendTo(channelId, "order-5", { ...text, to: "x" });
  expect([first.status, isReplayed(first)]).toEqual([400, false]);
  expect([again.status, isReplayed(again), again.body.error.details]).toEqual([
    400,
    true,
    first.body.error.details,
  ]);
  expect((await sendTo(channelId, "order-5")).body.error.code).toBe("idempotency_key_reused");
});

test("400: what is nested too deeply to be put in order is refused as without a key", async () => {
  const body = `{"name":"Deep","metadata":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
  const ask = () => functions.call("POST", "/channels", { body, headers: keyed("deep") });
  expect([(await ask()).status, (await ask()).status]).toEqual([400, 400]);
});

test("409: a channel that was logged out then is so under this key, though it is linked again", async () => {
  const channelId = await functions.addChannel({ status: "logged_out" });
  expect((await sendTo(channelId, "order-6")).status).toBe(409);
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "active" } });
  const again = await sendTo(channelId, "order-6");
  expect([again.status, again.body.error.code, isReplayed(again)]).toEqual([409, "channel_logged_out", true]);
  expect((await sendTo(channelId, "order-7")).status).toBe(202);
});

test("202: what was accepted stays so when the channel is logged out later", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const first = await sendTo(channelId, "order-8");
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "logged_out" } });
  expect((await sendTo(channelId, "order-8")).body).toEqual(first.body);
});

test.each([
  ["empty", ""],
  ["256 characters", "k".repeat(256)],
  ["a space inside", "order 1"],
  ["beyond ASCII", "b\u00e9stellung"],
  ["a tab inside", "a\tb"],
])("400: a key that is none: %s", async (_, key) => {
  const channelId = await functions.addChannel();
  const { status, body } = await sendTo(channelId, key);
  expect([status, body.error.details[0].field]).toEqual([400, "idempotency-key"]);
  expect(await commandsOf(channelId)).toEqual([]);
});

test("202: a key of 255 characters of every visible kind", async () => {
  const channelId = await functions.addChannel();
  const visible = String.fromCharCode(...Array.from({ length: 94 }, (__, at) => 0x21 + at));
  const key = visible.repeat(3).slice(0, 255);
  await sendTo(channelId, key);
  expect(isReplayed(await sendTo(channelId, key))).toBe(true);
});

test("404, 403, 415: what is refused before the request is read does not use the key up", async () => {
  const channelId = await functions.addChannel();
  const path = `/channels/${channelId}/send`;
  const headers = keyed("early");
  const reader = await functions.addKey({ scopes: ["messages:read"] });
  const forms = { ...headers, "Content-Type": "text/plain" };
  expect((await functions.call("POST", path, { body: text, headers: keyed(""), key: reader })).status).toBe(
    403,
  );
  expect((await functions.call("POST", "/channels/none/send", { body: text, headers })).status).toBe(404);
  expect((await functions.call("POST", path, { body: text, headers: forms })).status).toBe(415);
  const sent = await sendTo(channelId, "early");
  expect([sent.status, isReplayed(sent)]).toEqual([202, false]);
});

test("what is kept of a request is no body and no code", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "kept", { ...text, message: "a secret" });
  const asking = askForCode(channelId, "kept");
  await functions.settle(channelId, "channel.request_pairing_code", codeResult);
  await asking;
  const rows = JSON.stringify(await functions.db.idempotencyKeys.find().toArray());
  expect(rows).toContain(`POST /channels/${channelId}/send kept`);
  expect(rows).not.toMatch(/a secret|15551234567|ABCD1234/);
});

const codeResult = {
  state: "succeeded" as const,
  result: { code: "ABCD1234", expiresAt: "2026-01-01T00:00:00.000Z" },
};
const askForCode = (channelId: string, key: string) =>
  functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: text.to },
    headers: keyed(key, "wait=30"),
  });

test("200: a pairing code that is asked for again is the same one", async () => {
  const channelId = await functions.addChannel();
  const asking = askForCode(channelId, "code");
  await functions.settle(channelId, "channel.request_pairing_code", codeResult);
  const first = await asking;
  expect(first.body.payload.code).toBe("ABCD1234");
  const again = await askForCode(channelId, "code");
  expect([again.status, again.body, isReplayed(again)]).toEqual([200, first.body, true]);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test.each([
  ["connect", "connected"],
  ["disconnect", "disconnected"],
  ["logout", "disconnected"],
] as const)("a repeated %s does not wish again what was wished otherwise since", async (action, wanted) => {
  const channelId = await functions.addChannel();
  const ask = () => functions.call("POST", `/channels/${channelId}/${action}`, { headers: keyed("wish") });
  const wish = async () => (await functions.db.channels.findOne({ _id: channelId }))?.wanted;
  const first = await ask();
  expect(await wish()).toBe(wanted);
  const since = wanted === "connected" ? "disconnected" : "connected";
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { wanted: since } });
  const again = await ask();
  expect([again.status, again.body, isReplayed(again)]).toEqual([first.status, first.body, true]);
  expect(await wish()).toBe(since);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

const create = (key: string, body: object = { name: "Once", metadata: { a: 1 } }, apiKey?: string) =>
  functions.call("POST", "/channels", { body, headers: keyed(key), ...(apiKey && { key: apiKey }) });

test("201: channels created at once under one key are one, and it is told as it was made, whatever became of it", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => create("channel")));
  const { channelId } = answers[0]?.body.payload ?? {};
  const told = JSON.stringify(answers[0]?.body);
  expect(answers.map(({ status, body }) => [status, JSON.stringify(body)])).toEqual(
    answers.map(() => [201, told]),
  );
  expect(await functions.db.channels.countDocuments({ name: "Once" })).toBe(1);
  const changed = { name: "Renamed", status: "active" as const, wanted: "connected" as const };
  await functions.db.channels.updateOne({ _id: channelId }, { $set: changed });
  expect(JSON.stringify((await create("channel")).body)).toBe(told);
  expect(await functions.db.channels.findOne({ _id: channelId })).toMatchObject(changed);
  await functions.db.channels.deleteOne({ _id: channelId });
  expect(JSON.stringify((await create("channel")).body)).toBe(told);
  expect(await functions.db.channels.countDocuments({ _id: channelId })).toBe(0);
});

test("403: a key that may not create is refused again", async () => {
  const apiKey = await functions.addKey({ channels: [await functions.addChannel()] });
  const first = await create("limited", { name: "No" }, apiKey);
  const again = await create("limited", { name: "No" }, apiKey);
  expect([first.status, again.status, isReplayed(again)]).toEqual([403, 403, true]);
});

const remove = (channelId: string, key: string, prefer = "wait=0") =>
  functions.call("DELETE", `/channels/${channelId}`, { headers: keyed(key, prefer) });

test("202, 200: a deletion that is asked for again is not told that there is no channel", async () => {
  const channelId = await functions.addChannel();
  const first = await remove(channelId, "bye");
  const again = await remove(channelId, "bye");
  expect([first.status, again.status, again.body, isReplayed(again)]).toEqual([202, 202, first.body, true]);
  expect(await commandsOf(channelId)).toHaveLength(1);
  expect((await remove(channelId, "another")).status).toBe(404);
  const waiting = remove(channelId, "bye", "wait=30");
  await functions.db.channels.deleteOne({ _id: channelId });
  let isErased = false;
  void waiting.finally(() => {
    isErased = true;
  });
  // It may find no command and insert it once more.
  await eventually(async () => (await functions.db.commands.deleteMany({ channelId })) && isErased);
  expect((await waiting).status).toBe(200);
  const last = await remove(channelId, "bye");
  expect([last.status, last.body]).toEqual([200, { ok: true, payload: { channelId } }]);
  expect(last.headers.get("location")).toBe(first.headers.get("location"));
  expect((await remove(channelId, "another")).status).toBe(404);
  expect(await commandsOf(channelId)).toEqual([]);
});

test("404: a deletion under a key by somebody else, or of another channel", async () => {
  const channelId = await functions.addChannel();
  await remove(channelId, "gone");
  const headers = keyed("gone");
  const key = await functions.addKey();
  expect((await functions.call("DELETE", `/channels/${channelId}`, { headers, key })).status).toBe(404);
  expect((await remove("none", "gone")).status).toBe(404);
});

test("202: after its 24 hours a key is a new one", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "old");
  const [index] = await functions.db.idempotencyKeys
    .indexes()
    .then((all) => all.filter(({ name }) => name === "kept"));
  expect(index).toMatchObject({ key: { createdAt: 1 }, expireAfterSeconds: 86_400 });
  const row = await functions.db.idempotencyKeys.findOneAndDelete({
    _id: new RegExp(`${channelId}/send old$`) as never,
  });
  expect(row?.createdAt).toBeInstanceOf(Date);
  expect(isReplayed(await sendTo(channelId, "old"))).toBe(false);
});
