import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#shared/api-key.ts";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await GatewayFixture.start({ limits: { recheckMs: 50 } });
});

afterAll(() => gateway[Symbol.asyncDispose]());

describe("authenticate", () => {
  test("is answered by acknowledgement and by an event", async () => {
    const { key } = await gateway.addKey({ scopes: ["channels:read", "messages:send"] });
    const client = gateway.connect();
    const answer = await client.ask("authenticate", { apiKey: key });
    const facts = { channels: null, scopes: ["channels:read", "messages:send"] };
    expect(answer).toEqual({ ok: true, ...facts });
    expect(client.received).toEqual([{ name: "authenticated", data: facts }]);
  });

  test("without a callback is answered by the event", async () => {
    const { key } = await gateway.addKey();
    const client = gateway.connect();
    client.socket.emit("authenticate", { apiKey: key });
    await eventually(() => client.names().includes("authenticated"));
  });

  test.each([
    ["an unknown key", [{ apiKey: "wp_nobody" }], "invalid_api_key"],
    ["no key", [{}], "missing_api_key"],
    ["no payload", [], "invalid_request"],
    ["null", [null], "invalid_request"],
    ["an array", [["x"]], "invalid_request"],
    ["a string", ["wp_x"], "invalid_request"],
    ["a number", [1e308], "invalid_request"],
    ["a query operator", [{ apiKey: { $gt: "" } }], "invalid_request"],
    ["a token, which is not supported", [{ token: "x" }], "invalid_request"],
    ["an unknown field", [{ apiKey: "x", __proto__x: 1 }], "invalid_request"],
    ["20 KB", [{ apiKey: "x".repeat(20_000) }], "invalid_request"],
  ])("with %s fails with a stable code", async (_what, payload, code) => {
    const client = gateway.connect();
    const answer = await client.ask("authenticate", ...payload);
    expect(answer).toMatchObject({ ok: false, error: { code, message: expect.any(String) } });
    expect(client.received).toEqual([
      { name: "authentication_failed", data: expect.objectContaining({ code }) },
    ]);
  });

  test("closes the socket after three failures", async () => {
    const client = gateway.connect();
    for (let tries = 0; tries < 2; tries += 1) await client.ask("authenticate", { apiKey: "wp_nobody" });
    expect(client.socket.connected).toBe(true);
    await client.ask("authenticate", { apiKey: "wp_nobody" });
    await eventually(() => client.socket.disconnected);
    expect(client.names()).toEqual(Array(3).fill("authentication_failed"));
  });

  test("with another key ends the subscriptions of the first", async () => {
    const first = await gateway.addKey();
    const second = await gateway.addKey({ scopes: ["channels:read"], channels: [] });
    const channelId = await gateway.addChannel();
    const client = gateway.connect({ auth: { apiKey: first.key } });
    await client.ask("subscribe_channel", { channelId });
    await client.ask("authenticate", { apiKey: second.key });
    await gateway.addMessages(channelId, 1, 1);
    const witness = gateway.connect({ auth: { apiKey: first.key } });
    await witness.ask("subscribe_channel", { channelId });
    await gateway.addMessages(channelId, 2, 2);
    await eventually(() => witness.names().includes("incoming_message"));
    expect(client.names()).not.toContain("incoming_message");
  });

  test("with a payload over 64 KB ends the connection, not the gateway", async () => {
    const client = gateway.connect();
    await eventually(() => client.socket.connected);
    const lost = new Promise((resolve) => client.socket.once("disconnect", resolve));
    client.socket.emit("authenticate", { apiKey: "x".repeat(70_000) });
    await lost;
    expect(client.names()).toEqual([]);
    await gateway.connectAdmin();
  });
});

describe("a socket without a key", () => {
  test("receives a failure and is closed when its time is over", async () => {
    await using hasty = await GatewayFixture.start({ limits: { authenticateMs: 500 } });
    const client = hasty.connect();
    await eventually(() => client.socket.connected);
    await eventually(() => client.socket.disconnected);
    expect(client.received).toEqual([
      { name: "authentication_failed", data: expect.objectContaining({ code: "missing_api_key" }) },
    ]);
  });

  test("receives no events and can do nothing, whatever it emits", async () => {
    const channelId = await gateway.addChannel();
    const witness = await gateway.connectAdmin();
    await witness.ask("subscribe_channel", { channelId });
    const client = gateway.connect();
    for (const name of ["subscribe_channel", "unsubscribe_channel"]) {
      expect((await client.ask(name, { channelId })).error?.code).toBe("missing_api_key");
    }
    for (const name of ["join", "error", "constructor", "__proto__", "toString", "message", "qr_code", ""]) {
      expect((await client.ask(name, { channelId })).error?.code, name).toBe("invalid_request");
    }
    client.socket.emit("error");
    client.socket.emit("subscribe_channel");
    await gateway.addMessages(channelId, 1, 1);
    await eventually(() => witness.names().includes("incoming_message"));
    expect(new Set(client.names())).toEqual(new Set(["subscription_failed", "unsubscription_failed"]));
  });
});

describe("a socket is closed with a reason", () => {
  test("when the key is revoked", async () => {
    const { key, keyId } = await gateway.addKey();
    const client = gateway.connect({ auth: { apiKey: key } });
    await eventually(() => client.names().includes("authenticated"));
    await gateway.db.apiKeys.updateOne({ _id: keyId }, { $set: { revokedAt: new Date() } });
    await eventually(() => client.socket.disconnected);
    expect(client.received.at(-1)).toMatchObject({
      name: "authentication_failed",
      data: { code: "invalid_api_key" },
    });
  });

  test("when the key expires", async () => {
    const { key } = await gateway.addKey({ expiresAt: new Date(Date.now() + 2_000) });
    const client = gateway.connect({ auth: { apiKey: key } });
    await eventually(() => client.names().includes("authenticated"));
    await eventually(() => client.socket.disconnected);
    expect(client.received.at(-1)?.data).toMatchObject({ code: "expired_api_key" });
  });

  test("when the console session ends", async () => {
    const { keyId } = await gateway.addKey();
    const cookie = await gateway.addSession(keyId);
    const client = gateway.connect({ extraHeaders: { cookie } });
    await eventually(() => client.names().includes("authenticated"));
    const secret = cookie.split("=").at(-1) ?? "";
    await gateway.db.consoleSessions.deleteOne({ _id: hashSecret(secret) });
    await eventually(() => client.socket.disconnected);
  });

  test("when the key's scopes change; it may reconnect", async () => {
    const { key, keyId } = await gateway.addKey();
    const client = gateway.connect({ auth: { apiKey: key }, reconnection: true, reconnectionDelay: 10 });
    await eventually(() => client.names().includes("authenticated"));
    await gateway.db.apiKeys.updateOne({ _id: keyId }, { $set: { scopes: ["channels:read"] } });
    const again = await eventually(() => client.received.filter(({ name }) => name === "authenticated")[1]);
    expect(again.data.scopes).toEqual(["channels:read"]);
  });

  test("while sockets of other keys stay", async () => {
    const client = await gateway.connectAdmin();
    await eventually(() => client.names().includes("authenticated"));
    const { key, keyId } = await gateway.addKey();
    const revoked = gateway.connect({ auth: { apiKey: key } });
    await eventually(() => revoked.names().includes("authenticated"));
    await gateway.db.apiKeys.deleteOne({ _id: keyId });
    await eventually(() => revoked.socket.disconnected);
    expect(client.socket.connected).toBe(true);
  });
});
