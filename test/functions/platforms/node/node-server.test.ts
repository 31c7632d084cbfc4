import type { ServerOptions } from "node:http";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { nodeServer } from "#functions/platforms/node/node-server.ts";
import { listen } from "#shared/listening.ts";
import { exchange } from "#test/support/raw-http.ts";

const logged: string[] = [];
const log = pino({}, { write: (line: string) => void logged.push(line) });

async function serving(options: ServerOptions = {}): Promise<string> {
  const server = nodeServer({
    server: options,
    keepAliveSeconds: 75,
    fetch: async (received) =>
      new Response(received.method === "POST" ? await received.text() : received.url),
    log,
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server, 0, "127.0.0.1");
}

const end = "Connection: close\r\n\r\n";

test.each([
  ["an invalid Host", `GET / HTTP/1.1\r\nHost: a b\r\n${end}`],
  ["a path of raw bytes", `GET /\xff\x01 HTTP/1.1\r\nHost: x\r\n${end}`],
])("400: a request with %s gets an error envelope", async (_, bytes) => {
  const { status, headers, body } = await exchange(await serving(), bytes);
  const requestId = headers["x-request-id"];
  expect(status).toBe(400);
  expect(JSON.parse(body)).toMatchObject({
    ok: false,
    error: { code: "invalid_request", requestId, retryable: false },
  });
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(logged.join("")).toContain(requestId);
});

test("200: an HTTP/1.0 request without a Host reaches the app", async () => {
  const url = await serving();
  const answer = await exchange(url, "GET /health/live HTTP/1.0\r\n\r\n");
  expect([answer.status, answer.body]).toEqual([200, `${url}/health/live`]);
});

test("an answer of the app keeps its own headers beside the default ones", async () => {
  const { headers } = await exchange(await serving(), `GET / HTTP/1.1\r\nHost: x\r\n${end}`);
  expect(headers).toMatchObject({
    "content-type": "text/plain;charset=UTF-8",
    "x-content-type-options": "nosniff",
    "x-request-id": expect.any(String),
  });
});
