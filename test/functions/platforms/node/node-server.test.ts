import { once } from "node:events";
import { request, type ServerOptions } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { nodeServer } from "#functions/platforms/node/node-server.ts";

const logged: string[] = [];
const log = pino({}, { write: (line: string) => void logged.push(line) });

async function serving(options: ServerOptions = {}): Promise<number> {
  const server = nodeServer({
    server: options,
    fetch: async (received) => new Response(received.method === "POST" ? await received.text() : "reached"),
    log,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** Sends raw bytes and reads until the server closes the connection. */
async function exchange(bytes: string): Promise<{ status: number; requestId: string; body: unknown }> {
  const socket = connect(await serving(), "127.0.0.1");
  socket.write(Buffer.from(bytes, "latin1"));
  let text = "";
  for await (const chunk of socket) text += chunk;
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return {
    status: Number(head.split(" ")[1]),
    requestId: /^x-request-id: (\S+)/im.exec(head)?.[1] ?? "",
    body: JSON.parse(body),
  };
}

const end = "Connection: close\r\n\r\n";
const malformed: [string, number, string][] = [
  ["an invalid Host", 400, `GET / HTTP/1.1\r\nHost: a b\r\n${end}`],
  ["no Host", 400, `GET / HTTP/1.1\r\n${end}`],
  ["an unknown method", 400, `FOO / HTTP/1.1\r\nHost: x\r\n${end}`],
  ["a path of raw bytes", 400, `GET /\xff\x01 HTTP/1.1\r\nHost: x\r\n${end}`],
  ["oversized headers", 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n${end}`],
  ["a broken chunk", 400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
];

test.each(malformed)("a request with %s is answered with an error envelope: %i", async (_, status, bytes) => {
  const answer = await exchange(bytes);
  expect(answer).toMatchObject({
    status,
    body: { ok: false, error: { code: "invalid_request", requestId: answer.requestId, retryable: false } },
  });
  expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(logged.join("")).toContain(answer.requestId);
});

test("a request within the configured header size reaches the app", async () => {
  const outgoing = request({
    port: await serving({ maxHeaderSize: 50_000 }),
    host: "127.0.0.1",
    headers: { "X-Long": "a".repeat(20_000) },
  }).end();
  const [answer] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of answer) text += chunk;
  expect(text).toBe("reached");
});
