import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import type { LiveEvent } from "#functions/console/channel-view.ts";
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

/** The page's side of a real Socket.io server; `calls` has every call to its listener, in order. */
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
  const calls: string[] = [];
  const lastSeq = new Map<string, number>();
  const socket = io(`http://127.0.0.1:${port}`, { autoConnect: false, reconnectionDelay: 20 });
  const listener: LiveListener = {
    link: (link) => void calls.push(link),
    received: ({ name, data }) => void calls.push(`${name} ${data.channelId}`),
    subscribed: (channelId, seq) => void calls.push(`subscribed ${channelId} ${seq}`),
    lastSeq: (channelId) => lastSeq.get(channelId) ?? null,
    refused: ({ code }) => void calls.push(`refused ${code}`),
    rejoin: async () => void calls.push("rejoin"),
  };
  const network = new EventTarget();
  const live: Live = createLive(socket, listener, { missingAfterMs: isServed ? 60_000 : 100, network });
  onTestFinished(async () => {
    live.close();
    await server.close();
    http.close();
  });
  const called = (line: string, times = 1) =>
    eventually(() => calls.filter((it) => it === line).length === times);
  return { server, serve, live, calls, called, lastSeq, network };
}

test("each wanted channel is followed once, and `subscribed` precedes its events", async () => {
  const { live, calls, called } = await follow();
  live.want(["a", "b"]);
  await called("connection_update a");
  await called("connection_update b");
  live.want(["a", "b", "c"]);
  await called("connection_update c");
  expect(calls).toEqual([
    "live",
    "subscribed a 3",
    "connection_update a",
    "subscribed b 3",
    "connection_update b",
    "subscribed c 3",
    "connection_update c",
  ]);
});

const eventNames: Record<LiveEvent["name"], true> = {
  connection_update: true,
  qr_code: true,
  pairing_code: true,
  incoming_message: true,
  outgoing_message: true,
  message_status_update: true,
  message_edited: true,
  message_deleted: true,
  reaction: true,
  poll_vote: true,
  event_response: true,
  message_pinned: true,
  message_kept: true,
};

test("the listener receives every event of a channel", async () => {
  const names = Object.keys(eventNames);
  const { live, calls, called } = await follow((socket, channelId, answer) => {
    answer({ ok: true, channelId });
    for (const name of names) socket.emit(name, { channelId });
    socket.emit("subscribed", { channelId, seq: 3 });
  });
  live.want(["a"]);
  await called("subscribed a 3");
  expect(calls).toEqual(["live", ...names.map((name) => `${name} a`), "subscribed a 3"]);
});

test("a lost connection is reported, returns, and rejoins before it subscribes again", async () => {
  const { server, live, calls, called } = await follow();
  live.want(["a"]);
  await called("connection_update a");
  calls.length = 0;
  for (const socket of server.sockets.sockets.values()) socket.conn.close(true);
  await called("connection_update a");
  const order = ["reconnecting", "rejoin", "live", "subscribed a 3", "connection_update a"];
  expect(calls).toEqual(order);
});

test("missed events are requested, and a resync reports the channel's position", async () => {
  const requested: unknown[] = [];
  const { server, live, calls, called, lastSeq } = await follow((socket, channelId, answer, after) => {
    requested.push(after);
    welcome(socket, channelId, answer);
    if (after !== undefined) socket.emit("resync_required", { channelId, seq: 9 });
  });
  live.want(["a"]);
  await called("connection_update a");
  lastSeq.set("a", 5);
  for (const socket of server.sockets.sockets.values()) socket.conn.close(true);
  await called("subscribed a 9");
  expect(requested).toEqual([undefined, 5]);
  expect(calls.at(-1)).toBe("subscribed a 9");
});

test("the link is `missing` where no Socket.io is served, until it is", async () => {
  const { serve, live, calls, called } = await follow(welcome, { isServed: false });
  live.want(["a"]);
  await eventually(() => calls.includes("missing"));
  expect(new Set(calls.slice(0, calls.indexOf("missing")))).toEqual(new Set(["connecting"]));
  serve();
  await called("connection_update a");
  expect(calls.slice(calls.lastIndexOf("missing") + 1)).toEqual([
    "rejoin",
    "live",
    "subscribed a 3",
    "connection_update a",
  ]);
});

test("a refused subscription is reported with its code", async () => {
  const { live, called, calls } = await follow((_socket, _channelId, answer) =>
    answer({ ok: false, error: { code: "insufficient_scope", message: "No" } }),
  );
  live.want(["a"]);
  await called("refused insufficient_scope");
  expect(calls).toEqual(["live", "refused insufficient_scope"]);
});

test("a socket closed by the server is reopened once, after the session has been checked", async () => {
  const { server, live, calls, called } = await follow();
  live.want(["a"]);
  await called("connection_update a");
  calls.length = 0;
  server.disconnectSockets();
  await called("reconnecting");
  await eventually(() => calls.includes("connection_update a"));
  expect(calls.slice(0, 2)).toEqual(["reconnecting", "rejoin"]);
  expect(server.sockets.sockets.size).toBe(1);
});

test("a browser that goes offline says so at once, and the page rejoins when it is back", async () => {
  const { live, calls, called, network } = await follow();
  live.want(["a"]);
  await called("connection_update a");
  calls.length = 0;
  network.dispatchEvent(new Event("offline"));
  await called("offline");
  network.dispatchEvent(new Event("online"));
  await called("connection_update a");
  expect(calls).toEqual([
    "offline",
    "reconnecting",
    "rejoin",
    "live",
    "subscribed a 3",
    "connection_update a",
  ]);
});

test("nothing is reported after closing", async () => {
  const { server, live, calls, called } = await follow();
  live.want(["a"]);
  await called("connection_update a");
  const { length } = calls;
  live.close();
  await eventually(() => server.sockets.sockets.size === 0);
  expect(calls).toHaveLength(length);
});
