import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { listen, stopListening } from "#shared/listening.ts";
import { ask, exchange, openSocket } from "#test/support/raw-http.ts";

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** A server that responds when the test says so. */
function slowServer() {
  const requested = Promise.withResolvers<() => void>();
  const server = createServer((_, response) => requested.resolve(() => void response.end("done")));
  return { server, requested: requested.promise };
}

async function answerOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

test.each([
  ["127.0.0.1", /^http:\/\/127\.0\.0\.1:\d+$/],
  ["localhost", /^http:\/\/localhost:\d+$/],
  ["::1", /^http:\/\/\[::1\]:\d+$/],
])("the URL of a server on %s has the real port and works", async (host, form) => {
  const server = createServer((_, response) => void response.end("done"));
  const url = await listen(server, 0, host);
  expect(url).toMatch(form);
  expect(new URL(url).port).not.toBe("0");
  expect(await answerOf(url)).toBe("done");
  await stopListening(server);
});

test("a port in use rejects with the system's error", async () => {
  const server = createServer();
  const { port } = new URL(await listen(server, 0, "127.0.0.1"));
  await expect(listen(createServer(), Number(port), "127.0.0.1")).rejects.toMatchObject({
    code: "EADDRINUSE",
    syscall: "listen",
  });
  await stopListening(server);
});

test("stopping answers requests in flight and accepts no new ones", async () => {
  const { server, requested } = slowServer();
  const url = await listen(server, 0, "127.0.0.1");
  const answer = answerOf(url);
  const finish = await requested;
  const accepted = once(server, "connection");
  const silent = connect(Number(new URL(url).port), "127.0.0.1").resume();
  await accepted;
  let isStopped = false;
  const stopped = stopListening(server).then(() => {
    isStopped = true;
  });
  await expect(answerOf(url)).rejects.toThrow();
  // By now every connection that may be closed is closed.
  await once(silent, "close");
  expect(isStopped).toBe(false);
  finish();
  expect(await answer).toBe("done");
  await stopped;
});

test("an answer that is given while the server stops closes its connection", async () => {
  const { server, requested } = slowServer();
  const answer = exchange(await listen(server, 0, "127.0.0.1"), get);
  const finish = await requested;
  const stopped = stopListening(server);
  finish();
  expect((await answer).headers.connection).toBe("close");
  await stopped;
});

test("a request that an idle connection delivers while the server stops is answered", async () => {
  const server = createServer((_, response) => void response.end("done"));
  const socket = openSocket(await listen(server, 0, "127.0.0.1"));
  expect((await ask(socket, get)).headers.connection).toBe("keep-alive");
  const stopped = stopListening(server);
  const { status, headers } = await ask(socket, get);
  expect([status, headers.connection]).toEqual([200, "close"]);
  await stopped;
});

test.each([
  ["had a request and is kept alive by its client", get],
  ["never had a request", ""],
])("stopping ends a connection that %s", { timeout: 10_000 }, async (_, request) => {
  const server = createServer((_, response) => void response.end("done"));
  const { port } = new URL(await listen(server, 0, "127.0.0.1"));
  const accepted = once(server, "connection");
  const socket = connect(Number(port), "127.0.0.1").resume();
  const ended = once(socket, "close");
  await accepted;
  if (request) {
    socket.write(request);
    await once(socket, "data");
  }
  await stopListening(server);
  await ended;
});

test("stopping cuts an upgraded connection that its owner left open", { timeout: 10_000 }, async () => {
  const server = createServer().on("upgrade", (_, socket) => void socket.write("HTTP/1.1 101 Yes\r\n\r\n"));
  const { port } = new URL(await listen(server, 0, "127.0.0.1"));
  const socket = connect(Number(port), "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  await once(socket, "data");
  const ended = once(socket, "close");
  await stopListening(server);
  await ended;
});

test("stopping twice, or before listening, does nothing", async () => {
  const never: Server = createServer();
  await stopListening(never);
  await listen(never, 0, "127.0.0.1");
  await stopListening(never);
  await stopListening(never);
  expect(never.listening).toBe(false);
});
