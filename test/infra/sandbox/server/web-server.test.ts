import { once } from "node:events";
import { expect, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("websockets are accepted at /ws/chat only, and the admin API answers on the same port", async () => {
  const elsewhere = new WebSocket(fixture.sandbox.websocketUrl.replace("/ws/chat", "/other"));
  const refused = await new Promise<Error>((resolve) => elsewhere.on("error", resolve));
  expect(refused.message).toContain("404");
  const answer = await fetch(`${fixture.sandbox.adminUrl}/api/counts`);
  expect(await answer.json()).toMatchObject({ ok: true, payload: { unknownNodes: 0 } });
});

/** Opens a websocket; resolves with "open" or the error. */
async function opening(options: ClientOptions): Promise<string> {
  const socket = new WebSocket(fixture.sandbox.websocketUrl, options);
  try {
    return await new Promise<string>((resolve) => {
      socket.on("open", () => resolve("open")).on("error", (error) => resolve(error.message));
    });
  } finally {
    socket.terminate();
  }
}

test("websockets of other web pages are refused, by Origin and by Host", async () => {
  const { port } = new URL(fixture.sandbox.websocketUrl);
  expect(await opening({})).toBe("open");
  expect(await opening({ origin: "https://web.whatsapp.com" })).toBe("open");
  expect(await opening({ headers: { host: `localhost:${port}` } })).toBe("open");
  const refused = "Unexpected server response: 403";
  for (const origin of [
    "https://evil.example",
    `http://127.0.0.1:${port}`,
    "null",
    "https://web.whatsapp.com.evil.example",
  ])
    expect(await opening({ origin })).toBe(refused);
  for (const host of [`evil.example:${port}`, "evil.example", `127.0.0.1.evil.example:${port}`])
    expect(await opening({ headers: { host } })).toBe(refused);
});

test("a websocket message of more than 1 MB ends its connection, and no other", async () => {
  const hostile = new WebSocket(fixture.sandbox.websocketUrl);
  const other = new WebSocket(fixture.sandbox.websocketUrl);
  await Promise.all([once(hostile, "open"), once(other, "open")]);
  hostile.send(Buffer.alloc(1024 * 1024 + 1));
  expect((await once(hostile, "close"))[0]).toBe(1009);
  expect(other.readyState).toBe(WebSocket.OPEN);
  other.terminate();
});
