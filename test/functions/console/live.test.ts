import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { createLive, type Live, type LiveListener } from "#functions/console/live.ts";
import { eventually } from "#test/support/eventually.ts";

type Subscribe = (
  socket: ServerSocket,
  channelId: string,
  answer: (value: object) => void,
  after?: number,
) => void;

const welcome: Subscribe = (socket, channelId, answer) => {
  answer({ ok: true, channelId });
  socket.emit("subscribed", { channelId, seq: 3 });
  socket.emit("connection_update", { channelId, status: "inactive", snapshot: true });
};

/** The page's side on a real Socket.io server; everything it tells is in `told`, in order. */
async function follow(subscribe: Subscribe = welcome, { isServed = true } = {}) {
  const http = createServer((_, response) => response.writeHead(404).end());
  const server = new Server();
  const serve = () => server.attach(http);
  if (isServed) serve();
  server.on("connection", (socket) =>
    socket.on("subscribe_channel", ({ channelId, after }, answer) =>
      subscribe(socket, channelId, answer, after),
    ),
  );
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const told: string[] = [];
  const heardUpTo = new Map<string, number>();
  const socket = io(`http://127.0.0.1:${port}`, { autoConnect: false, reconnectionDelay: 20 });
  const listener: LiveListener = {
    link: (link) => void told.push(link),
    heard: ({ name, data }) => void told.push(`${name} ${data.channelId}`),
    subscribed: (channelId, seq) => void told.push(`subscribed ${channelId} ${seq}`),
    heardUpTo: (channelId) => heardUpTo.get(channelId) ?? null,
    refused: ({ code }) => void told.push(`refused ${code}`),
    rejoin: async () => void told.push("rejoin"),
  };
  const live: Live = createLive(socket, listener, { missingAfterMs: isServed ? 60_000 : 100 });
  onTestFinished(async () => {
    live.close();
    await server.close();
    http.close();
  });
  const hears = (line: string, times = 1) =>
    eventually(() => told.filter((it) => it === line).length === times);
  return { server, serve, live, told, hears, heardUpTo };
}

test("follows each wanted channel once, and says so before what follows", async () => {
  const { live, told, hears } = await follow();
  live.want(["a", "b"]);
  await hears("connection_update a");
  await hears("connection_update b");
  live.want(["a", "b", "c"]);
  await hears("connection_update c");
  expect(told).toEqual([
    "live",
    "subscribed a 3",
    "connection_update a",
    "subscribed b 3",
    "connection_update b",
    "subscribed c 3",
    "connection_update c",
  ]);
});

test("a lost connection is told, comes back, and looks again before it follows again", async () => {
  const { server, live, told, hears } = await follow();
  live.want(["a"]);
  await hears("connection_update a");
  told.length = 0;
  for (const socket of server.sockets.sockets.values()) socket.conn.close(true);
  await hears("connection_update a");
  const order = ["reconnecting", "rejoin", "live", "subscribed a 3", "connection_update a"];
  expect(told).toEqual(order);
});

test("what was missed is asked for, and that some of it is gone is told as where the channel stands", async () => {
  const asked: unknown[] = [];
  const { server, live, told, hears, heardUpTo } = await follow((socket, channelId, answer, after) => {
    asked.push(after);
    welcome(socket, channelId, answer);
    if (after !== undefined) socket.emit("resync_required", { channelId, seq: 9 });
  });
  live.want(["a"]);
  await hears("connection_update a");
  heardUpTo.set("a", 5);
  for (const socket of server.sockets.sockets.values()) socket.conn.close(true);
  await hears("subscribed a 9");
  expect(asked).toEqual([undefined, 5]);
  expect(told.at(-1)).toBe("subscribed a 9");
});

test("where no Socket.io is served the link is missing, until one is after all", async () => {
  const { serve, live, told, hears } = await follow(welcome, { isServed: false });
  live.want(["a"]);
  await eventually(() => told.includes("missing"));
  expect(new Set(told.slice(0, told.indexOf("missing")))).toEqual(new Set(["connecting"]));
  serve();
  await hears("connection_update a");
  expect(told.slice(told.lastIndexOf("missing") + 1)).toEqual([
    "rejoin",
    "live",
    "subscribed a 3",
    "connection_update a",
  ]);
});

test("a channel that may not be followed is told with its code", async () => {
  const { live, hears, told } = await follow((_socket, _channelId, answer) =>
    answer({ ok: false, error: { code: "insufficient_scope", message: "No" } }),
  );
  live.want(["a"]);
  await hears("refused insufficient_scope");
  expect(told).toEqual(["live", "refused insufficient_scope"]);
});

test("a server that closes the socket on purpose is not hammered, but asked whether the session still stands", async () => {
  const { server, live, told, hears } = await follow();
  live.want(["a"]);
  await hears("connection_update a");
  told.length = 0;
  server.disconnectSockets();
  await hears("reconnecting");
  await eventually(() => told.includes("connection_update a"), { withinMs: 15_000 });
  expect(told.slice(0, 2)).toEqual(["reconnecting", "rejoin"]);
  expect(server.sockets.sockets.size).toBe(1);
});

test("nothing is heard after closing", async () => {
  const { server, live, told, hears } = await follow();
  live.want(["a"]);
  await hears("connection_update a");
  const { length } = told;
  live.close();
  await eventually(() => server.sockets.sockets.size === 0);
  expect(told).toHaveLength(length);
});
