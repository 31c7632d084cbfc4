import { Hono } from "hono";
import { expect, test } from "vitest";
import { failure } from "#infra/sandbox/admin/errors.ts";
import { faultTable } from "#infra/sandbox/admin/fault-table.ts";
import { faultRoutes } from "#infra/sandbox/admin/faults.ts";
import type { Faults } from "#infra/sandbox/faults/faults.ts";
import type { MediaFaults } from "#infra/sandbox/media/media-host.ts";

/** Records the calls that the API makes; `faults.test.ts` covers the faults themselves. */
function recorder() {
  const calls: unknown[][] = [];
  const record =
    (name: string) =>
    (...input: unknown[]): void => {
      calls.push([name, ...input]);
    };
  const faults: Faults = {
    drop: record("drop"),
    streamError: record("streamError"),
    replace: record("replace"),
    removeDevice: record("removeDevice"),
    failLogin: record("failLogin"),
    refuseUpgrade: record("refuseUpgrade"),
    silence: record("silence"),
    ackError: record("ackError"),
    ackDelay: record("ackDelay"),
    withholdAcks: record("withholdAcks"),
    receipts: record("receipts"),
    ignoreQuery: record("ignoreQuery"),
    refuseCode: record("refuseCode"),
    withholdRestart: record("withholdRestart"),
    refuseQuery: record("refuseQuery"),
    forgetSessions: record("forgetSessions"),
    forge: record("forge"),
    clear: record("clear"),
  };
  const media: MediaFaults = { upload: null, download: null, delayMs: 0 };
  const app = new Hono().onError(failure).route("/", faultRoutes({ faults, media }));
  const post = async (name: string, body: unknown) => {
    const answer = await app.request(`/faults/${name}`, { method: "POST", body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as object };
  };
  return { calls, media, app, post, faults };
}

const examples: [string, object, unknown[]][] = [
  ["drop", { target: "all" }, ["drop", "all"]],
  ["stream-error", { target: "+1 555 010 0001", code: 515 }, ["streamError", "15550100001", 515]],
  ["replace", { target: "15550100001" }, ["replace", "15550100001"]],
  ["remove-device", { target: "15550100001" }, ["removeDevice", "15550100001"]],
  ["fail-login", { target: "all", code: 403 }, ["failLogin", "all", 403, {}]],
  ["fail-login", { target: "all", code: 403, times: 2 }, ["failLogin", "all", 403, { times: 2 }]],
  [
    "refuse-upgrade",
    { status: 429, retryAfterSeconds: 3 },
    ["refuseUpgrade", { status: 429, retryAfterSeconds: 3 }],
  ],
  ["refuse-upgrade", { status: null }, ["refuseUpgrade", null]],
  ["silence", { target: "all", on: true }, ["silence", "all", true]],
  ["forge", { what: "leaf", on: true }, ["forge", "leaf", true]],
  [
    "ack-error",
    { target: "15550100001", code: 479, times: 1 },
    ["ackError", "15550100001", 479, { times: 1 }],
  ],
  ["ack-error", { target: "all", code: null }, ["ackError", "all", null, {}]],
  ["ack-delay", { target: "all", delayMs: 50 }, ["ackDelay", "all", 50]],
  ["withhold-acks", { target: "all", on: false }, ["withholdAcks", "all", false]],
  ["receipts", { target: "all", timing: "never" }, ["receipts", "all", "never"]],
  ["receipts", { target: "all", timing: null }, ["receipts", "all", null]],
  ["forget-sessions", { target: "15550100001" }, ["forgetSessions", "15550100001"]],
  ["refuse-code", { code: 429 }, ["refuseCode", 429, {}]],
  ["withhold-restart", { times: 2 }, ["withholdRestart", { times: 2 }]],
  ["ignore-query", { xmlns: "w:m", times: 2 }, ["ignoreQuery", "w:m", { times: 2 }]],
  ["refuse-query", { xmlns: "md", code: 406, times: 2 }, ["refuseQuery", "md", 406, { times: 2 }]],
];

test.each(examples)("fault %s with %o calls its method", async (name, body, call) => {
  const { calls, post } = recorder();
  expect(await post(name, body)).toEqual({ status: 200, body: { ok: true } });
  expect(calls).toEqual([call]);
});

test("the API reaches every fault of the sandbox", () => {
  const reached = new Set(examples.map(([, , [method]]) => method));
  const methods = Object.keys(recorder().faults).filter((method) => method !== "clear");
  expect([...reached].sort()).toEqual(methods.sort());
});

test("media faults are set, and cleared with the others", async () => {
  const { media, calls, post } = recorder();
  await post("media-upload", { status: 503, times: 3 });
  await post("media-download", { status: 404 });
  await post("media-delay", { delayMs: 10 });
  expect(media).toEqual({
    upload: { status: 503, times: 3 },
    download: { status: 404, times: 1 },
    delayMs: 10,
  });
  await post("clear", {});
  expect(media).toEqual({ upload: null, download: null, delayMs: 0 });
  expect(calls).toEqual([["clear"]]);
});

test("an invalid fault request is answered with every problem in it", async () => {
  const { calls, post } = recorder();
  expect(await post("stream-error", { target: "somebody", code: "515", extra: 1 })).toMatchObject({
    status: 400,
    body: {
      ok: false,
      error: {
        code: "invalid_request",
        details: expect.arrayContaining([
          { field: "target", message: 'a phone number or "all"' },
          { field: "code", message: expect.any(String) },
          { field: "extra", message: "unknown field" },
        ]),
      },
    },
  });
  expect(calls).toEqual([]);
});

test.each(["melt", "constructor", "__proto__"])("the unknown fault %s is answered with 404", async (name) => {
  expect(await recorder().post(name, {})).toMatchObject({
    status: 404,
    body: { error: { code: "not_found" } },
  });
});

test("the list of faults contains the schema of each", async () => {
  const answer = await recorder().app.request("/faults");
  const { payload } = (await answer.json()) as { payload: { name: string; does: string; takes: object }[] };
  expect(payload.map((fault) => fault.name)).toEqual(Object.keys(faultTable));
  expect(payload.find((fault) => fault.name === "ack-delay")?.takes).toMatchObject({
    required: ["target", "delayMs"],
  });
});
