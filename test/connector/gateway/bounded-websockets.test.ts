import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { boundedWebSocketServer } from "#connector/gateway/bounded-websockets.ts";
import { defaultLimits } from "#connector/gateway/limits.ts";

/** The server's end of a websocket whose client sends what the test pushes, one read at a time. */
async function accepted(): Promise<{ socket: WebSocket; push(bytes: Buffer): void }> {
  const Server = boundedWebSocketServer(defaultLimits);
  const server = new Server({ noServer: true });
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const headers = {
    ...{ connection: "upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-key": Buffer.alloc(16).toString("base64"), "sec-websocket-version": "13" },
  };
  const request = { method: "GET", headers } as unknown as IncomingMessage;
  return await new Promise((resolve) =>
    server.handleUpgrade(request, stream, Buffer.alloc(0), (socket) =>
      resolve({ socket, push: (bytes) => void stream.push(bytes) }),
    ),
  );
}

/** The beginning of a masked frame of 60,000 characters. */
const header = Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]);

test("a message that arrives in more than 1,024 reads ends the connection before it is whole", async () => {
  const { socket, push } = await accepted();
  const failed = once(socket, "error");
  push(header);
  for (let n = 0; n < 1_100; n++) {
    push(Buffer.from("x"));
    await new Promise(setImmediate);
  }
  const [error] = await failed;
  expect(error).toMatchObject({ code: "WS_ERR_TOO_MANY_BUFFERED_PARTS" });
});
