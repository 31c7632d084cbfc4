import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Asset } from "#functions/assets.ts";
import { apiVersion } from "#functions/routes/api-docs.ts";
import { type ErrorCode, errorCatalog } from "#shared/errors.ts";
import { type Scope, scopes } from "#shared/scopes.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

interface Operation {
  operationId: string;
  parameters?: { name: string }[];
  summary: string;
  tags: string[];
  security: object[];
  "x-scope"?: Scope;
  requestBody?: object;
  responses: Record<string, { description: string; headers?: object; content?: Record<string, object> }>;
}

/** Every call and its scope: the routes, the document and the handlers must match. */
const calls: Record<string, Scope | null> = {
  "POST /api/whatsapp/channels": "channels:write",
  "GET /api/whatsapp/channels": "channels:read",
  "GET /api/whatsapp/channels/{channelId}": "channels:read",
  "GET /api/whatsapp/channels/{channelId}/status": "channels:read",
  "POST /api/whatsapp/channels/{channelId}/connect": "channels:write",
  "POST /api/whatsapp/channels/{channelId}/pairing-code": "channels:write",
  "POST /api/whatsapp/channels/{channelId}/send": "messages:send",
  "POST /api/whatsapp/channels/{channelId}/send-media": "messages:send",
  "POST /api/whatsapp/channels/{channelId}/disconnect": "channels:write",
  "POST /api/whatsapp/channels/{channelId}/logout": "channels:write",
  "PATCH /api/whatsapp/channels/{channelId}": "channels:write",
  "DELETE /api/whatsapp/channels/{channelId}": "channels:write",
  "GET /api/whatsapp/channels/{channelId}/qr": "channels:write",
  "GET /api/whatsapp/channels/{channelId}/commands": "messages:read",
  "GET /api/whatsapp/channels/{channelId}/messages": "messages:read",
  "GET /api/whatsapp/channels/{channelId}/messages/{messageId}": "messages:read",
  "GET /api/whatsapp/channels/{channelId}/events": "events:read",
  "GET /api/whatsapp/events": "events:read",
  "GET /api/whatsapp/commands/{commandId}": "messages:read",
  "DELETE /api/whatsapp/commands/{commandId}": "messages:send",
  "POST /api/whatsapp/commands/{commandId}/retry": "messages:send",
  "POST /api/whatsapp/session": null,
  "DELETE /api/whatsapp/session": null,
  "GET /health/live": null,
  "GET /health/ready": null,
};

const script: Asset = {
  body: new Uint8Array(),
  etag: '"a"',
  contentType: "text/javascript",
  isImmutable: false,
  encoded: new Map(),
};

let functions: FunctionsFixture;
let operations: Map<string, Operation>;
beforeAll(async () => {
  functions = await functionsFixture({ assets: new Map([["/docs/standalone.js", script]]) });
  const { body } = await functions.call("GET", "/openapi.json", { key: null });
  expect(body.openapi).toBe("3.1.0");
  operations = new Map(
    Object.entries(body.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    ),
  );
});
afterAll(() => functions[Symbol.asyncDispose]());

async function ask(name: string, key: string | null) {
  const [method = "", path = ""] = name.split(" ");
  const channelId = await functions.addChannel();
  const commandId = channelId;
  await functions.db.commands.insertOne({
    _id: commandId,
    channelId,
    type: "message.send",
    payload: {},
  } as never);
  return functions.call(method, path.replace("{channelId}", channelId).replace("{commandId}", commandId), {
    key,
    headers: { Prefer: "wait=0" },
  });
}

test("the document has exactly these calls", () => {
  expect([...operations.keys()].sort()).toEqual(Object.keys(calls).sort());
  for (const [name, { summary, tags }] of operations)
    expect([summary, tags], name).toEqual([expect.any(String), [expect.any(String)]]);
});

test.each(Object.entries(calls))("%s is handled and requires the scope %s", async (name, scope) => {
  const operation = operations.get(name);
  expect(operation?.["x-scope"] ?? null).toBe(scope);
  const { body } = await ask(name, await functions.addKey({ scopes: ["admin"] }));
  expect(["route_not_found", "method_not_allowed"]).not.toContain(body.error?.code);
  if (!scope) return;
  expect((await ask(name, null)).status).toBe(401);
  const others = scopes.filter((other) => other !== scope && other !== "admin");
  expect((await ask(name, await functions.addKey({ scopes: others }))).status).toBe(403);
  expect([401, 403]).not.toContain((await ask(name, await functions.addKey({ scopes: [scope] }))).status);
});

test("every refusal in the document is a code of the catalog with its status, in both forms", () => {
  for (const [name, { responses }] of operations)
    for (const [status, { description, content }] of Object.entries(responses)) {
      if (Number(status) < 400) continue;
      expect(Object.keys(content ?? {}), name).toEqual(["application/json", "application/problem+json"]);
      for (const code of description.match(/[a-z_]{3,}/g) ?? [])
        expect(errorCatalog[code as keyof typeof errorCatalog]?.status, `${name} ${code}`).toBe(
          Number(status),
        );
    }
});

/** Codes that no call in the document answers: they belong to other paths and methods, Socket.io and command documents. */
const undocumented: ErrorCode[] = ["route_not_found", "method_not_allowed", "rate_limited"];

test("every error code that a call can answer is a refusal in the document", () => {
  const refusals = [...operations.values()]
    .flatMap(({ responses }) => Object.entries(responses))
    .filter(([status]) => Number(status) >= 400)
    .flatMap(([, { description }]) => description.match(/[a-z_]{3,}/g) ?? []);
  const missing = Object.keys(errorCatalog).filter((code) => !refusals.includes(code));
  expect(missing.sort()).toEqual(undocumented.sort());
});

test("every call has a unique operation id", () => {
  const names = [...operations.values()].map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(operations.size);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
});

test("every call that changes channels or commands takes an Idempotency-Key, and no other call does", () => {
  for (const [name, { parameters = [] }] of operations) {
    const isKeyed = parameters.some((parameter) => parameter.name === "idempotency-key");
    expect(isKeyed, name).toBe(/^(POST|PUT|PATCH|DELETE) .*\/(channels|commands)/.test(name));
  }
});

test("every answer in the document lists its headers", () => {
  for (const [name, { responses, parameters = [] }] of operations) {
    const takes = (header: string) => parameters.some(({ name }) => name === header);
    for (const [status, { headers = {} }] of Object.entries(responses)) {
      const wanted = ["X-Request-Id"];
      if (status === "429") wanted.push("Retry-After");
      if (status === "201") wanted.push("Location");
      if (takes("idempotency-key") && Number(status) < 300) wanted.push("Idempotency-Replayed");
      if (takes("idempotency-key") && takes("prefer") && Number(status) < 300) wanted.push("Location");
      if (takes("prefer") && Number(status) < 300) wanted.push("Preference-Applied");
      expect(Object.keys(headers), `${name} ${status}`).toEqual(wanted);
    }
  }
});

test("the status and error code that a call without valid input answers are in the document", async () => {
  for (const [name, { responses }] of operations) {
    const { status, body } = await ask(name, await functions.addKey());
    expect(Object.keys(responses), name).toContain(String(status));
    if (status >= 400) expect(responses[status]?.description, name).toContain(`\`${body.error.code}\``);
    if (calls[name])
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(["401", "403", "503"]));
  }
});

test("the version of the API is that of the package", async () => {
  const text = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  expect(apiVersion).toBe(JSON.parse(text).version);
});

test("/docs loads nothing from another host", async () => {
  const { status, headers, body } = await functions.call("GET", "/docs", { key: null });
  expect(status).toBe(200);
  expect(headers.get("content-security-policy")).not.toMatch(/https?:|\*/);
  expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(body).toContain('src="/docs/standalone.js"');
});

test("404: before the console is built, /docs says how to build it and where the document is", async () => {
  await using bare = await functionsFixture();
  const { status, body } = await bare.call("GET", "/docs", { key: null });
  expect([status, body.error.code]).toEqual([404, "route_not_found"]);
  expect(body.error.message).toMatch(/\/openapi\.json .*npm ci && npm run build/);
  expect((await bare.call("GET", "/openapi.json", { key: null })).status).toBe(200);
});
