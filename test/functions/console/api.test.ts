import { expect, test } from "vitest";
import { accepted, apiWith, failure, ok } from "./server.fixture.ts";

const sent = {
  payload: {
    messageId: "m1",
    to: "15551234567@s.whatsapp.net",
    type: "text",
    status: "queued",
    commandId: "c1",
  },
};

test("a text is sent without waiting for WhatsApp, and resolves with its message and command ids", async () => {
  const { api, calls } = apiWith(() => ok(sent));
  const answer = await api.sendText("a/b", { to: "+15551234567", message: "Hi" });
  expect(answer).toEqual({ messageId: "m1", status: "queued", commandId: "c1" });
  expect(calls).toMatchObject([
    {
      method: "POST",
      path: "/api/whatsapp/channels/a%2Fb/send",
      headers: { prefer: "respond-async", "content-type": "application/json" },
      body: { to: "+15551234567", message: "Hi", type: "text" },
    },
  ]);
});

test("a media message carries its kind and URL, and no empty fields", async () => {
  const { api, calls } = apiWith(() => ok(sent));
  await api.sendMedia("c", { to: "1", mediaType: "image", mediaUrl: "https://example.com/a.jpg" });
  expect(calls[0]?.body).toEqual({ to: "1", mediaType: "image", mediaUrl: "https://example.com/a.jpg" });
});

test("channel lists are read page by page", async () => {
  const { api, calls } = apiWith(() => ok({ payload: [], nextCursor: "a&b" }));
  const { nextCursor } = await api.channels();
  await api.channels(nextCursor);
  expect(calls.map((it) => it.path)).toEqual([
    "/api/whatsapp/channels",
    "/api/whatsapp/channels?cursor=a%26b",
  ]);
});

const queued = { payload: { channelId: "c", status: "queued", commandId: "x" } };
const waited = { "Preference-Applied": "wait=10" };

test.each([
  ["done", () => ok({ channelId: "c", status: "inactive" })],
  ["done", () => accepted({ channelId: "c", status: "connecting" }, waited)],
  ["running", () => accepted(queued, waited)],
  // The server does not wait when no connector is alive.
  ["stored", () => accepted(queued)],
  ["stored", () => accepted({ channelId: "c", status: "connecting" })],
])("a control call resolves to `%s`", async (control, answer) => {
  const { api, calls } = apiWith(answer);
  expect(await api.connect("c")).toBe(control);
  expect(calls[0]?.headers.prefer).toBe("wait=10");
});

test("every call that changes something has an Idempotency-Key; signing in and reading have none", async () => {
  const { api, calls } = apiWith(({ path }) =>
    path.endsWith("/send")
      ? ok(sent)
      : ok({
          payload: { channelId: "c", name: "n", status: "inactive", code: "A", expiresAt: "2026-01-01" },
        }),
  );
  await api.createChannel({ name: "n" });
  await api.connect("c");
  await api.disconnect("c");
  await api.logout("c");
  await api.requestPairingCode("c", "1");
  await api.sendText("c", { to: "1", message: "Hi" });
  await api.remove("c");
  expect(new Set(calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(7);
  calls.length = 0;
  await api.signIn("k");
  await api.channel("c");
  expect(calls.map(({ headers }) => headers["idempotency-key"])).toEqual([undefined, undefined]);
});

test.each([
  ["a refusal", () => failure(409, "channel_logged_out"), false],
  ["a success", () => ok(sent), false],
  ["a 503", () => failure(503, "database_unavailable"), true],
])("after %s the same text is the same message: %s", async (_, answer, isSame) => {
  const { api, calls } = apiWith(answer);
  for (let send = 0; send < 2; send++)
    await api.sendText("c", { to: "1", message: "Hi" }).catch(() => undefined);
  const [first, second] = calls.map(({ headers }) => headers["idempotency-key"]);
  expect(first === second).toBe(isSame);
});

test.each(["connect", "disconnect", "logout"] as const)(
  "a %s is another request each time: the channel may have changed since an answer was lost",
  async (verb) => {
    const { api, calls } = apiWith(() => failure(503, "database_unavailable"));
    for (let call = 0; call < 2; call++) await api[verb]("c").catch(() => undefined);
    expect(new Set(calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
  },
);

test("an older server without information about itself is accepted", async () => {
  const { api } = apiWith(() => Response.json({}));
  expect(await api.info()).toEqual({ version: null, sandboxUrl: null });
});

test("a failure carries the server's code, and a 401 reports the end of the session", async () => {
  const { api, ends } = apiWith(() => failure(401, "expired_api_key"));
  await expect(api.channels()).rejects.toMatchObject({ code: "expired_api_key", status: 401 });
  expect(ends).toEqual(["unauthorized"]);
});

test("a failure other than 401 does not end the session", async () => {
  const { api, ends } = apiWith(() => failure(403, "insufficient_scope"));
  await expect(api.channels()).rejects.toMatchObject({ code: "insufficient_scope" });
  expect(ends).toEqual([]);
});

test("an unreachable server, a timeout and a body that is not JSON have codes of their own", async () => {
  const gone = apiWith(() => Promise.reject(new TypeError("fetch failed")));
  await expect(gone.api.channels()).rejects.toMatchObject({ code: "unreachable", status: 0 });
  const late = apiWith(() => Promise.reject(new DOMException("late", "TimeoutError")));
  await expect(late.api.channels()).rejects.toMatchObject({ code: "timeout", status: 0 });
  const proxy = apiWith(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await expect(proxy.api.channels()).rejects.toMatchObject({ code: "http_502" });
});

test("every response reports the server's time, failures included", async () => {
  const { api, times } = apiWith(() => {
    const answer = failure(404, "channel_not_found");
    answer.headers.set("Date", "Thu, 15 Jan 2026 10:30:00 GMT");
    return answer;
  });
  await expect(api.channel("c")).rejects.toThrow();
  expect(times).toEqual([Date.parse("2026-01-15T10:30:00Z")]);
});
