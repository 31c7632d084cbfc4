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

test("202: a repeated send gets the same answer, marked as replayed, and is one command", async () => {
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

test("20 concurrent sends under one key are one command and get the same answer", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const answers = Array.from({ length: 20 }, () => sendTo(channelId, "at-once", text, "wait=30"));
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const all = await Promise.all(answers);
  expect(new Set(all.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  expect(all[0]?.body.message).toBe("Message sent");
  expect(all.filter((answer) => !isReplayed(answer))).toHaveLength(1);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("202, 200: a repetition waits for the running command and reports its outcome", async () => {
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

test("200: a repetition reports a sent message even when the channel has become inactive", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const send = () =>
    functions.call("POST", `/channels/${channelId}/send`, {
      body: text,
      headers: { "Idempotency-Key": "sent" },
    });
  const pending = send();
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const first = await pending;
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "inactive" } });
  const again = await send();
  expect([first.status, again.status, again.body, isReplayed(again)]).toEqual([200, 200, first.body, true]);
});

test("422: a message that WhatsApp refused is refused again and not sent again", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const pending = sendTo(channelId, "order-3", text, "wait=30");
  const error = { code: "whatsapp_rejected" as const, message: "no", details: { whatsappCode: 463 } };
  await functions.settle(channelId, "message.send", { state: "failed", error });
  const [first, again] = [await pending, await sendTo(channelId, "order-3", text, "wait=30")];
  expect([first.status, isReplayed(first)]).toEqual([422, false]);
  expect([again.status, isReplayed(again)]).toEqual([422, true]);
  expect(again.body.error).toEqual({ ...first.body.error, requestId: again.headers.get("x-request-id") });
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("422: another body under the same key is refused, and nothing is sent", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "order-4");
  const other = await sendTo(channelId, "order-4", { ...text, message: "other" });
  expect([other.status, other.body.error.code]).toEqual([422, "idempotency_key_reused"]);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("202: an idempotency key counts per API key, route and channel", async () => {
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

test("202: a repetition is recognised however its path is spelled", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "spelled");
  const [first = ""] = channelId;
  const spelled = `%${first.charCodeAt(0).toString(16)}${channelId.slice(1)}`;
  expect(isReplayed(await sendTo(spelled, "spelled"))).toBe(true);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test("400: an invalid request is refused again, and another body is another request", async () => {
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

test("400: a body nested too deeply to canonicalise is refused as without a key", async () => {
  const body = `{"name":"Deep","metadata":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
  const ask = () => functions.call("POST", "/channels", { body, headers: keyed("deep") });
  expect([(await ask()).status, (await ask()).status]).toEqual([400, 400]);
});

test("409: a send refused for a logged-out channel stays refused under its key after linking", async () => {
  const channelId = await functions.addChannel({ status: "logged_out" });
  expect((await sendTo(channelId, "order-6")).status).toBe(409);
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "active" } });
  const again = await sendTo(channelId, "order-6");
  expect([again.status, again.body.error.code, isReplayed(again)]).toEqual([409, "channel_logged_out", true]);
  expect((await sendTo(channelId, "order-7")).status).toBe(202);
});

test("202: an accepted send stays accepted when the channel is logged out later", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const first = await sendTo(channelId, "order-8");
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "logged_out" } });
  expect((await sendTo(channelId, "order-8")).body).toEqual(first.body);
});

test.each([
  ["empty", ""],
  ["256 characters", "k".repeat(256)],
  ["beyond ASCII", "b\u00e9stellung"],
  ["a tab inside", "a\tb"],
])("400: an invalid key is refused: %s", async (_, key) => {
  const channelId = await functions.addChannel();
  const { status, body } = await sendTo(channelId, key);
  expect([status, body.error.details[0].field]).toEqual([400, "idempotency-key"]);
  expect(await commandsOf(channelId)).toEqual([]);
});

test("202: a key may have 255 characters and every printable ASCII character", async () => {
  const channelId = await functions.addChannel();
  const printable = String.fromCharCode(...Array.from({ length: 95 }, (__, at) => 0x20 + at));
  const key = `k${printable.repeat(3)}`.slice(0, 255);
  await sendTo(channelId, key);
  expect(isReplayed(await sendTo(channelId, key))).toBe(true);
});

test("202: a key may have spaces inside, and those at its ends do not count", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "order 17");
  expect(isReplayed(await sendTo(channelId, " order 17 "))).toBe(true);
  expect(isReplayed(await sendTo(channelId, "order  17"))).toBe(false);
});

test("200: a repeated PATCH does not undo a later one, and is answered as before", async () => {
  const channelId = await functions.addChannel();
  const rename = (name: string, key: string) =>
    functions.call("PATCH", `/channels/${channelId}`, {
      body: { name },
      headers: { "Idempotency-Key": key },
    });
  const first = await rename("First", "name-1");
  await rename("Second", "name-2");
  const again = await rename("First", "name-1");
  expect([again.status, again.body, isReplayed(again)]).toEqual([200, first.body, true]);
  expect((await functions.call("GET", `/channels/${channelId}`)).body.payload.name).toBe("Second");
  const reused = await rename("Third", "name-1");
  expect([reused.status, reused.body.error.code]).toEqual([422, "idempotency_key_reused"]);
});

test("404, 403, 415: a refusal before the body is read does not use up the key", async () => {
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

test("a stored request holds neither its body nor a pairing code", async () => {
  const channelId = await functions.addChannel();
  await sendTo(channelId, "kept", { ...text, message: "a secret" });
  const pending = requestCode(channelId, "kept");
  await functions.settle(channelId, "channel.request_pairing_code", codeResult);
  await pending;
  const rows = JSON.stringify(await functions.db.idempotencyKeys.find().toArray());
  expect(rows).toContain(`POST /channels/${channelId}/send kept`);
  expect(rows).not.toMatch(/a secret|15551234567|ABCD1234/);
});

const codeResult = {
  state: "succeeded" as const,
  result: { code: "ABCD1234", expiresAt: "2026-01-01T00:00:00.000Z" },
};
const requestCode = (channelId: string, key: string) =>
  functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: text.to },
    headers: keyed(key, "wait=30"),
  });

test("200: a repeated request for a pairing code gets the same code", async () => {
  const channelId = await functions.addChannel();
  const pending = requestCode(channelId, "code");
  await functions.settle(channelId, "channel.request_pairing_code", codeResult);
  const first = await pending;
  expect(first.body.payload.code).toBe("ABCD1234");
  const again = await requestCode(channelId, "code");
  expect([again.status, again.body, isReplayed(again)]).toEqual([200, first.body, true]);
  expect(await commandsOf(channelId)).toHaveLength(1);
});

test.each([
  ["connect", "connected"],
  ["disconnect", "disconnected"],
  ["logout", "disconnected"],
] as const)("a repeated %s does not overwrite a later wish", async (action, wanted) => {
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

test("201: concurrent creations under one key make one channel, always answered as it was created", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => create("channel")));
  const { channelId } = answers[0]?.body.payload ?? {};
  const answered = JSON.stringify(answers[0]?.body);
  expect(answers.map(({ status, body }) => [status, JSON.stringify(body)])).toEqual(
    answers.map(() => [201, answered]),
  );
  expect(await functions.db.channels.countDocuments({ name: "Once" })).toBe(1);
  const changed = { name: "Renamed", status: "active" as const, wanted: "connected" as const };
  await functions.db.channels.updateOne({ _id: channelId }, { $set: changed });
  expect(JSON.stringify((await create("channel")).body)).toBe(answered);
  expect(await functions.db.channels.findOne({ _id: channelId })).toMatchObject(changed);
  await functions.db.channels.deleteOne({ _id: channelId });
  expect(JSON.stringify((await create("channel")).body)).toBe(answered);
  expect(await functions.db.channels.countDocuments({ _id: channelId })).toBe(0);
});

test("403: an API key that may not create channels is refused again", async () => {
  const apiKey = await functions.addKey({ channels: [await functions.addChannel()] });
  const first = await create("limited", { name: "No" }, apiKey);
  const again = await create("limited", { name: "No" }, apiKey);
  expect([first.status, again.status, isReplayed(again)]).toEqual([403, 403, true]);
});

const remove = (channelId: string, key: string, prefer = "wait=0") =>
  functions.call("DELETE", `/channels/${channelId}`, { headers: keyed(key, prefer) });

test("202, 200: a repeated deletion gets the answer of the first although the channel is gone", async () => {
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
  // The repetition may find no command and insert it again.
  await eventually(async () => (await functions.db.commands.deleteMany({ channelId })) && isErased);
  expect((await waiting).status).toBe(200);
  const last = await remove(channelId, "bye");
  expect([last.status, last.body]).toEqual([200, { ok: true, payload: { channelId } }]);
  expect(last.headers.get("location")).toBe(first.headers.get("location"));
  expect((await remove(channelId, "another")).status).toBe(404);
  expect(await commandsOf(channelId)).toEqual([]);
});

test("404: the key of a deletion does not count for another API key or another channel", async () => {
  const channelId = await functions.addChannel();
  await remove(channelId, "gone");
  const headers = keyed("gone");
  const key = await functions.addKey();
  expect((await functions.call("DELETE", `/channels/${channelId}`, { headers, key })).status).toBe(404);
  expect((await remove("none", "gone")).status).toBe(404);
});

test("202: a key can be used again after 24 hours", async () => {
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
