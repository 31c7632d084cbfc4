import { createHook } from "node:async_hooks";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { compressAnswers } from "#functions/platforms/node/compress-answers.ts";

const json = "application/json";
const large = JSON.stringify({ ok: true, payload: Array.from({ length: 100 }, (_, seq) => ({ seq })) });

/** Sends an answer with this body and these headers to a client that accepts these encodings. */
async function send(
  body: string | Buffer<ArrayBuffer> | null,
  headers: Record<string, string>,
  accept = "gzip, deflate, br",
) {
  const fetch = compressAnswers(() => new Response(body, { status: 201, headers }));
  const answer = await fetch(new Request("http://x/", { headers: { "Accept-Encoding": accept } }));
  return {
    status: answer.status,
    headers: answer.headers,
    encoding: answer.headers.get("content-encoding"),
    bytes: Buffer.from(await answer.arrayBuffer()),
  };
}

test.each([json, "application/problem+json", "text/html; charset=UTF-8", "text/plain"])(
  "an answer of type %s and at least 1 KB is compressed and keeps its status and headers",
  async (type) => {
    const headers = {
      "Content-Type": type,
      "Content-Length": String(large.length),
      Vary: "Origin",
      "X-A": "b",
    };
    const answer = await send(large, headers);
    expect(answer.status).toBe(201);
    expect(answer.encoding).toBe("br");
    expect(answer.bytes.length).toBeLessThan(large.length / 3);
    expect(brotliDecompressSync(answer.bytes).toString()).toBe(large);
    expect(answer.headers.get("vary")).toBe("Origin, Accept-Encoding");
    expect([answer.headers.get("content-type"), answer.headers.get("x-a")]).toEqual([type, "b"]);
    expect(answer.headers.get("content-length")).toBeNull();
  },
);

test("a client without brotli gets gzip", async () => {
  const { encoding, bytes } = await send(large, { "Content-Type": json }, "gzip, br;q=0");
  expect([encoding, gunzipSync(bytes).toString()]).toEqual(["gzip", large]);
});

test.each(["", "identity", "gzip;q=0, br;q=0", "deflate"])(
  "Accept-Encoding %o gets the bytes uncompressed, with Vary for caches",
  async (accept) => {
    const { encoding, bytes, headers } = await send(large, { "Content-Type": json }, accept);
    expect([encoding, bytes.toString()]).toEqual([null, large]);
    expect(headers.get("vary")).toBe("Accept-Encoding");
  },
);

test.each([
  ["below 1 KB", large.slice(0, 1_023), { "Content-Type": json }],
  ["that is a picture", large, { "Content-Type": "image/png" }],
  ["that is a drawing", large, { "Content-Type": "image/svg+xml" }],
  ["without a type", Buffer.from(large), {}],
  ["that streams events", large, { "Content-Type": "text/event-stream" }],
  ["that streams text", large, { "Content-Type": "text/plain", "Transfer-Encoding": "chunked" }],
  ["that is already encoded", large, { "Content-Type": json, "Content-Encoding": "gzip" }],
  ["with an ETag", large, { "Content-Type": json, ETag: '"a"' }],
  ["with a session cookie", large, { "Content-Type": json, "Set-Cookie": "waypost_session=secret" }],
  ["with a secret", large, { "Content-Type": json, "Cache-Control": "no-store, no-transform" }],
])("an answer %s is not compressed", async (_, body, given) => {
  const { status, bytes, headers } = await send(body, given);
  expect(status).toBe(201);
  expect(bytes.toString()).toBe(body.toString());
  expect(Object.fromEntries(headers)).toEqual(Object.fromEntries(new Headers(given)));
});

test("an answer without a body passes unchanged", async () => {
  const { bytes, headers } = await send(null, { "Content-Type": json });
  expect([bytes.length, Object.fromEntries(headers)]).toEqual([0, { "content-type": json }]);
});

test("the answer to a HEAD request varies as that to a GET may", async () => {
  const head = new Request("http://api.test/", { method: "HEAD" });
  const answer = await compressAnswers(() => new Response(null, { headers: { "Content-Type": json } }))(head);
  expect(answer.headers.get("vary")).toBe("Accept-Encoding");
});

test("a page that says the same to everybody is compressed once, and anew when it changes", async () => {
  let compressions = 0;
  const hook = createHook({ init: (_, type) => void (/ZLIB|BROTLI/i.test(type) && compressions++) });
  let body = large;
  const headers = { "Content-Type": json, "Cache-Control": "no-cache" };
  const fetch = compressAnswers(() => new Response(body, { headers }));
  const read = async (path = "page") => {
    const answer = await fetch(new Request(`http://x/${path}`, { headers: { "Accept-Encoding": "br" } }));
    return Buffer.from(await answer.arrayBuffer());
  };
  hook.enable();
  const same = [await read(), await read(), await read()];
  expect(compressions).toBe(1);
  body = `${large} `;
  const changed = await read();
  expect(compressions).toBe(2);
  // 16 pages are remembered.
  for (let page = 0; page < 16; page++) await read(`page-${page}`);
  await read();
  expect(compressions).toBe(2 + 16 + 1);
  hook.disable();
  expect(same.map((bytes) => brotliDecompressSync(bytes).toString())).toEqual([large, large, large]);
  expect(brotliDecompressSync(changed).toString()).toBe(body);
});
