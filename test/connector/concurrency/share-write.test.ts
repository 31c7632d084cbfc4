import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { shareWrite } from "#connector/concurrency/share-write.ts";

/** The server's end of a websocket, and what it writes below: the text of the frames that left in each write. */
async function accepted() {
  const writes: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => done(void writes.push(chunk.toString("latin1"))),
    writev: (chunks, done) =>
      done(void writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString("latin1"))),
  });
  const headers = {
    ...{ connection: "upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-key": Buffer.alloc(16).toString("base64"), "sec-websocket-version": "13" },
  };
  const request = { method: "GET", headers } as unknown as IncomingMessage;
  const server = new WebSocketServer({ noServer: true });
  const socket = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, stream, Buffer.alloc(0), resolve),
  );
  writes.length = 0;
  return { socket, writes };
}

test("frames of one turn share a write, in order; those of the next turn have their own", async () => {
  const { socket, writes } = await accepted();
  for (const text of ["a", "b", "c"]) {
    shareWrite(socket);
    socket.send(text);
    await Promise.resolve();
  }
  expect(writes).toEqual([]);
  await turn();
  expect(writes).toEqual(["\x81\x01a\x81\x01b\x81\x01c"]);
  shareWrite(socket);
  socket.send("d");
  await turn();
  expect(writes.slice(1)).toEqual(["\x81\x01d"]);
});

test("a frame and the goodbye of one turn leave in this order, and nothing stays behind", async () => {
  const { socket, writes } = await accepted();
  shareWrite(socket);
  socket.send("a");
  socket.close();
  await turn();
  expect(writes.join("").startsWith("\x81\x01a\x88")).toBe(true);
  expect(Reflect.get(socket, "_socket")).toMatchObject({ writableCorked: 0 });
});

test("a websocket that was terminated meanwhile, is none or another's does no harm", async () => {
  const { socket } = await accepted();
  shareWrite(socket);
  socket.send("a");
  socket.terminate();
  shareWrite(socket);
  shareWrite(null);
  shareWrite({ _socket: {} } as unknown as WebSocket);
  await turn();
  expect(socket.readyState).toBe(socket.CLOSED);
});
