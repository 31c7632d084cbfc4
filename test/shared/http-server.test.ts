import type { RequestListener } from "node:http";
import { pino } from "pino";
import { Server } from "socket.io";
import { io as connectTo } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import type { HttpLimits } from "#shared/http-limits.ts";
import { createHttpServer } from "#shared/http-server.ts";
import { listen } from "#shared/listening.ts";
import { ask, closed, exchange, openSocket } from "#test/support/raw-http.ts";

const logged: string[] = [];
const log = pino({}, { write: (line: string) => void logged.push(line) });
const done: RequestListener = (request, response) => {
  request.resume();
  response.setHeader("Content-Length", 4).end("done");
};

async function serving(
  limits: Partial<HttpLimits> = {},
  listener: RequestListener = done,
  keepAliveSeconds = 75,
): Promise<string> {
  const server = createHttpServer({ log, keepAliveSeconds, limits }, listener);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server, 0, "127.0.0.1");
}

const get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const end = "Connection: close\r\n\r\n";

test.each([
  ["an unknown method", 400, `FOO / HTTP/1.1\r\nHost: x\r\n${end}`],
  ["no Host", 400, `GET / HTTP/1.1\r\n${end}`],
  ["oversized headers", 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n${end}`],
  ["a broken chunk", 400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
])("a request with %s is answered with an error envelope: %i", async (_, status, bytes) => {
  const answer = await exchange(await serving({}, () => undefined), bytes);
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "x-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  const requestId = answer.headers["x-request-id"];
  expect(JSON.parse(answer.body)).toMatchObject({
    ok: false,
    error: { code: "invalid_request", requestId, retryable: false },
  });
  expect(logged.join("")).toContain(requestId);
});

const slow = { checkMs: 20, headersMs: 100, requestMs: 200 };

test.each([
  ["head", slow, "GET / HTTP/1.1\r\nHost: x\r\n"],
  ["body", slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"],
])("a request whose %s does not arrive in time is answered 408", async (_, limits, bytes) => {
  const answer = await exchange(await serving(limits, () => undefined), bytes);
  expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([408, "invalid_request"]);
});

test("a connection that never sends anything is closed without an answer or a log line", async () => {
  const url = await serving(slow);
  const before = logged.length;
  const socket = openSocket(url);
  let received = "";
  for await (const chunk of socket) received += chunk;
  expect(received).toBe("");
  expect(logged.length).toBe(before);
});

test("an HTTP/1.0 request without a Host is handled, under the address that it arrived at", async () => {
  const url = await serving({}, ({ headers }, response) => response.end(headers.host));
  const answer = await exchange(url, "GET /health/live HTTP/1.0\r\n\r\n");
  expect([answer.status, `http://${answer.body}`]).toEqual([200, url]);
});

test("an idle connection stays open for KEEP_ALIVE_SECONDS, however short the time for headers is", async () => {
  const socket = openSocket(await serving({ checkMs: 20, headersMs: 100, requestMs: 100 }));
  const { headers } = await ask(socket, get);
  expect(headers["keep-alive"]).toBe("timeout=75");
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect((await ask(socket, get)).status).toBe(200);
});

test("an idle connection is closed after KEEP_ALIVE_SECONDS and a second for the way", async () => {
  const socket = openSocket(await serving({}, done, 0.05));
  await ask(socket, get);
  await closed(socket);
});

test("a connection with too many unanswered requests is cut, and the others are not handled", async () => {
  let handled = 0;
  const url = await serving({ unansweredMax: 3 }, () => void handled++);
  const socket = openSocket(url);
  socket.write(get.repeat(5_000));
  await closed(socket);
  expect(handled).toBe(3);
});

test("requests one after the other on one connection are not counted together", async () => {
  const socket = openSocket(await serving({ unansweredMax: 1 }));
  for (let request = 0; request < 5; request++) expect((await ask(socket, get)).status).toBe(200);
});

test("a client that does not read its answer is cut", async () => {
  const isFinished = Promise.withResolvers<boolean>();
  const url = await serving({ silenceMs: 200 }, (_, response) => {
    response.once("close", () => isFinished.resolve(response.writableFinished));
    response.end(Buffer.alloc(20_000_000));
  });
  const socket = openSocket(url).pause();
  socket.write(get);
  expect(await isFinished.promise).toBe(false);
  socket.destroy();
});

test("a quiet websocket stays open", async () => {
  const server = createHttpServer({ log, keepAliveSeconds: 75, limits: { silenceMs: 50 } }, done);
  const io = new Server(server, { pingInterval: 25_000 });
  const url = await listen(server, 0, "127.0.0.1");
  const socket = connectTo(url, { transports: ["websocket"], reconnection: false });
  onTestFinished(async () => {
    socket.disconnect();
    await io.close();
  });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(socket.connected).toBe(true);
});

test("more connections than allowed are closed at once", async () => {
  const url = await serving({ connectionsMax: 1 });
  const first = openSocket(url);
  await ask(first, get);
  await closed(openSocket(url));
  expect((await ask(first, get)).status).toBe(200);
});

test.each([
  ["/a", "same-origin"],
  ["/socket.io/?EIO=4&transport=polling", "same-origin"],
  // Pages of FRONTEND_URL load it with a script tag.
  ["/socket.io/socket.io.js", "cross-origin"],
])("the answer to %s may be used by pages of: %s", async (path, policy) => {
  const { headers } = await exchange(await serving(), `GET ${path} HTTP/1.1\r\nHost: x\r\n${end}`);
  expect(headers["cross-origin-resource-policy"]).toBe(policy);
  expect(headers["x-content-type-options"]).toBe("nosniff");
});

test.each([
  ["the given one, when it is well-formed", "order-42_a.b", true],
  ["a new one, otherwise", "a b", false],
])("every answer has a request id: %s", async (_, given, isKept) => {
  const request = `GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${given}\r\n${end}`;
  const { headers } = await exchange(await serving(), request);
  expect(headers["x-request-id"]).toMatch(/^[\w.-]{1,128}$/);
  expect(headers["x-request-id"] === given).toBe(isKept);
});
