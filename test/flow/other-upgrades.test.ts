import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startSystem } from "../support/system.ts";

test("a client that offers HTTP/2 is answered in HTTP/1.1, and websockets still work", async () => {
  await using system = await startSystem();
  const { hostname, port, host } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\n` +
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
  );
  const [answer] = await once(socket, "data");
  socket.destroy();
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  const listener = system.socket();
  await new Promise<void>((resolve) => listener.once("connect", resolve));
  expect(listener.io.engine.transport.name).toBe("websocket");
});
