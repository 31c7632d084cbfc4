import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await GatewayFixture.start();
});

afterAll(() => gateway[Symbol.asyncDispose]());

/** The script of a page that uses only Socket.io, without the DOM: the handlers and emits of the page, in order. */
function seedPage(apiKey: string, channelId: string, options: object) {
  const page = gateway.connect(options);
  page.socket.emit("authenticate", { apiKey });
  page.socket.on("authenticated", () => page.socket.emit("subscribe_channel", { channelId }));
  return page;
}

describe("a plain page", () => {
  test.each([["polling", "websocket"], ["websocket"], ["polling"]])(
    "works unchanged for a signed-in user, over %s",
    async (...transports) => {
      const { keyId } = await gateway.addKey();
      const extraHeaders = { cookie: await gateway.addSession(keyId), origin: gateway.url };
      const channelId = await gateway.addChannel({ status: "connecting" });
      const page = seedPage("your-api-key", channelId, { extraHeaders, transports });
      await eventually(() => page.names().includes("connection_update"));
      await gateway.addEvent(channelId, 1, "connection_update", { status: "active" });
      const update = await eventually(() => page.received.find(({ data }) => data.seq === 1));
      expect(update).toMatchObject({
        name: "connection_update",
        data: { channelId, status: "active", eventId: expect.any(String), timestamp: expect.any(String) },
      });
      expect(page.names().slice(0, 2)).toEqual(["authenticated", "authentication_failed"]);
    },
  );

  test("works for a key without a cookie", async () => {
    const { key } = await gateway.addKey();
    const channelId = await gateway.addChannel();
    const page = seedPage(key, channelId, {});
    await eventually(() => page.names().includes("connection_update"));
    expect(page.names()).toEqual(["authenticated", "subscribed", "connection_update"]);
  });

  test("may send both requests at once: a socket's requests are answered in order", async () => {
    const { key } = await gateway.addKey();
    const channelId = await gateway.addChannel();
    const page = gateway.connect();
    page.socket.emit("authenticate", { apiKey: key });
    page.socket.emit("subscribe_channel", { channelId });
    await eventually(() => page.names().includes("subscribed"));
  });
});

test("the gateway serves the client's script and leaves other paths to the server", async () => {
  const script = await fetch(`${gateway.url}/socket.io/socket.io.js`);
  expect(script.status).toBe(200);
  expect(await script.text()).toContain("Socket.IO");
  expect(await (await fetch(`${gateway.url}/elsewhere`)).text()).toBe("not the gateway's");
});

test("clients reconnect by themselves after the gateway closes", async () => {
  await using other = await GatewayFixture.start();
  const client = await other.connectAdmin();
  await eventually(() => client.socket.connected);
  const reason = new Promise((resolve) => client.socket.on("disconnect", resolve));
  await other.closeGateway();
  expect(await reason).toBe("transport close");
  const late = other.connect();
  const error = await new Promise<Error>((resolve) => late.socket.on("connect_error", resolve));
  expect(error.message).toBe("websocket error");
});
