import { io } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture, type Listener } from "./gateway.fixture.ts";

let gateway: GatewayFixture;
const listed = "https://app.example.com";

beforeAll(async () => {
  gateway = await GatewayFixture.start({ origins: [listed] });
});

afterAll(() => gateway[Symbol.asyncDispose]());

type ConnectError = Error & { data?: { code: string; message: string } };

function connectError({ socket }: Listener): Promise<ConnectError> {
  return new Promise((resolve, reject) => {
    socket.on("connect_error", resolve);
    socket.on("connect", () => reject(new Error("connected")));
  });
}

describe("a key in the handshake", () => {
  test("authenticates the client and sends `authenticated`", async () => {
    const { key } = await gateway.addKey({ scopes: ["channels:read"], channels: ["a"] });
    const client = gateway.connect({ auth: { apiKey: key } });
    await eventually(() => client.names().includes("authenticated"));
    expect(client.received[0]?.data).toEqual({ channels: ["a"], scopes: ["channels:read"] });
  });

  test.each([
    ["is unknown", { apiKey: "wp_nobody" }, "invalid_api_key"],
    ["is empty", { apiKey: "" }, "missing_api_key"],
    ["is not a string", { apiKey: 5 }, "invalid_request"],
    ["is null", { apiKey: null }, "invalid_request"],
    ["is an object for the database", { apiKey: { $ne: null } }, "invalid_request"],
    ["is too long", { apiKey: "x".repeat(501) }, "invalid_request"],
    ["has an unknown field beside it", { apiKey: "x", admin: true }, "invalid_request"],
    ["is a token, which is not supported", { token: "x" }, "invalid_request"],
  ])("that %s is a connect_error with a code", async (_what, auth, code) => {
    const error = await connectError(gateway.connect({ auth }));
    expect(error.data).toEqual({ code, message: expect.any(String) });
  });

  test.each([
    ["expired", { expiresAt: new Date(Date.now() - 1) }, "expired_api_key"],
    ["was revoked", { revokedAt: new Date() }, "invalid_api_key"],
  ])("that %s is refused", async (_what, changes, code) => {
    const { key } = await gateway.addKey(changes);
    expect((await connectError(gateway.connect({ auth: { apiKey: key } }))).data?.code).toBe(code);
  });

  test("takes precedence over a cookie", async () => {
    const { keyId } = await gateway.addKey();
    const extraHeaders = { cookie: await gateway.addSession(keyId) };
    const error = await connectError(gateway.connect({ auth: { apiKey: "wp_nobody" }, extraHeaders }));
    expect(error.data?.code).toBe("invalid_api_key");
  });
});

describe("the console's cookie", () => {
  test.each([
    ["our own origin", () => ({ origin: gateway.url })],
    ["a same-origin poll without Origin", () => ({ "sec-fetch-site": "same-origin" })],
    ["a program that sends neither", () => ({})],
  ])("authenticates from %s", async (_what, headers) => {
    const { keyId } = await gateway.addKey();
    const cookie = await gateway.addSession(keyId);
    const client = gateway.connect({ transports: ["polling"], extraHeaders: { cookie, ...headers() } });
    await eventually(() => client.names().includes("authenticated"));
  });

  test("is not a credential of a page of a listed origin, which may present a key", async () => {
    const { keyId, key } = await gateway.addKey();
    const cookie = await gateway.addSession(keyId);
    const client = gateway.connect({ extraHeaders: { cookie, origin: listed } });
    await eventually(() => client.socket.connected);
    const channelId = await gateway.addChannel();
    const refused = await client.ask("subscribe_channel", { channelId });
    expect(refused.error?.code).toBe("missing_api_key");
    expect((await client.ask("authenticate", { apiKey: key })).ok).toBe(true);
  });

  test.each([
    ["a session that ended", async (keyId: string) => gateway.addSession(keyId, new Date(Date.now() - 1))],
    ["an unknown session", async () => "waypost_session=nobody"],
    ["an empty value", async () => "waypost_session="],
  ])("of %s leaves the socket without a key, not without a connection", async (_what, cookieOf) => {
    const { keyId, key } = await gateway.addKey();
    const client = gateway.connect({ extraHeaders: { cookie: await cookieOf(keyId) } });
    await eventually(() => client.socket.connected);
    const channelId = await gateway.addChannel();
    const refused = await client.ask("subscribe_channel", { channelId });
    expect(refused.error?.code).toBe("missing_api_key");
    expect(client.names()).not.toContain("authenticated");
    expect((await client.ask("authenticate", { apiKey: key })).ok).toBe(true);
  });
});

describe("a request", () => {
  const foreign = { origin: "https://evil.example" };
  test.each([
    ["from another origin, polling", foreign, "polling"],
    ["from another origin, by websocket", foreign, "websocket"],
    ["from a sandboxed frame", { origin: "null" }, "websocket"],
    ["without Origin from another site", { "sec-fetch-site": "cross-site" }, "polling"],
    ["without Origin from a neighbour", { "sec-fetch-site": "same-site" }, "polling"],
  ])("%s is refused", async (_what, extraHeaders, transport) => {
    const error = await connectError(gateway.connect({ transports: [transport], extraHeaders }));
    expect(error.data).toBeUndefined();
  });

  test("for JSONP, which any page may run as a script, is refused", async () => {
    const address = `${gateway.url}/socket.io/?EIO=4&transport=polling`;
    expect((await fetch(`${address}&j=0`)).status).toBe(403);
    expect((await fetch(address)).status).toBe(200);
  });

  test("from a listed origin gets a response that its page may read", async () => {
    const answer = await fetch(`${gateway.url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: listed },
    });
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
  });
});

test("another namespace does not exist", async () => {
  const { key } = await gateway.addKey();
  const socket = io(`${gateway.url}/admin`, { forceNew: true, reconnection: false, auth: { apiKey: key } });
  const error = await new Promise<Error>((resolve) => socket.on("connect_error", resolve));
  socket.disconnect();
  expect(error.message).toBe("Invalid namespace");
});
