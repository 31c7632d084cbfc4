import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ListeningConnector, serveConnector } from "#connector/serve.ts";
import { readConfig } from "#shared/config.ts";
import { exchange } from "#test/support/raw-http.ts";
import { fileDatabase } from "./connector.fixture.ts";

const file = fileDatabase();
const end = "Host: x\r\nConnection: close\r\n\r\n";
let connector: ListeningConnector;
beforeAll(async () => {
  const env = { MONGO_URI: file.database.uri, PORT: "0", ENCRYPTION_KEY: randomBytes(32).toString("base64") };
  connector = await serveConnector(readConfig(env, "connector"), pino({ level: "silent" }));
});
afterAll(() => connector[Symbol.asyncDispose]());

const defaults = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "x-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
};

test.each([
  ["an unknown path", 404, "route_not_found", `GET /a HTTP/1.1\r\n${end}`],
  ["another method", 405, "method_not_allowed", `POST /health/live HTTP/1.1\r\n${end}`],
  ["malformed HTTP", 400, "invalid_request", `FOO / HTTP/1.1\r\n${end}`],
  ["oversized headers", 431, "invalid_request", `GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}\r\n${end}`],
])("a connector answers %s as the functions do: %i %s", async (_, status, code, bytes) => {
  const { headers, ...answer } = await exchange(connector.url, bytes);
  expect(answer.status).toBe(status);
  expect(headers).toMatchObject({ ...defaults, "content-type": "application/json" });
  expect(JSON.parse(answer.body).error).toMatchObject({ code, requestId: headers["x-request-id"] });
});

test("a connector answers with a problem document if asked to", async () => {
  const accept = "Accept: application/problem+json\r\n";
  const { headers, body } = await exchange(connector.url, `GET /a HTTP/1.1\r\n${accept}${end}`);
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ status: 404, code: "route_not_found", instance: "/a" });
});

test.each(["GET /health/ready HTTP/1.0", "OPTIONS /health/ready HTTP/1.0", "OPTIONS /health/live HTTP/1.0"])(
  "%s without a Host, as HAProxy checks, is answered 200",
  async (line) => {
    expect((await exchange(connector.url, `${line}\r\n\r\n`)).status).toBe(200);
  },
);

test.each([
  ["a handshake", 200, "/socket.io/?EIO=4&transport=polling"],
  ["an unknown session", 400, "/socket.io/?EIO=4&transport=polling&sid=none"],
])("Socket.io's answer to %s has the default headers", async (_, status, path) => {
  const { headers, ...answer } = await exchange(connector.url, `GET ${path} HTTP/1.1\r\n${end}`);
  expect(answer.status).toBe(status);
  expect(headers).toMatchObject(defaults);
});

test("Socket.io's client may be loaded by pages of other origins", async () => {
  const { headers } = await exchange(connector.url, `GET /socket.io/socket.io.js HTTP/1.1\r\n${end}`);
  expect(headers["cross-origin-resource-policy"]).toBe("cross-origin");
});
