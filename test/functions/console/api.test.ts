import { expect, test } from "vitest";
import { apiWith, failure, ok } from "./server.fixture.ts";

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

test("a control call resolves to `done`, or to `stored` if it waits for a connector", async () => {
  const done = apiWith(() => ok({ channelId: "c", status: "inactive" }));
  expect(await done.api.disconnect("c")).toBe("done");
  const stored = apiWith(() => ok({ payload: { channelId: "c", status: "queued", commandId: "x" } }));
  expect(await stored.api.disconnect("c")).toBe("stored");
});

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
