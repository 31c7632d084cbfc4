import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { isUtf8Json } from "../http/content-type.ts";

interface BodyBounds {
  bytesMax: number;
  /** How long the body may take to arrive; the server bounds the whole request as well. */
  msMax: number;
}

/** Most bodies fit into this. */
const firstBytes = 4 * 1024;

/** Bodies of callers who have authenticated. */
const authenticated: BodyBounds = { bytesMax: 1024 * 1024, msMax: 30_000 };

/**
 * Reads the body and replaces it with valid JSON for the validators; an absent body becomes `{}`. Counts bytes while
 * reading, and stops at the bounds: 1 MB and 30 s unless told. Throws `body_too_large`, `unsupported_content_type`,
 * `invalid_json`.
 */
export function jsonBody({ bytesMax, msMax }: BodyBounds = authenticated) {
  return createMiddleware(async (c, next) => {
    const { raw } = c.req;
    if (Number(raw.headers.get("content-length")) > bytesMax) throw tooLarge(bytesMax);
    const bytes = await readBytes(raw.body, { bytesMax, msMax }).catch(rejectIncomplete);
    if (bytes.length > 0) requireJson(raw.headers);
    const headers = new Headers(raw.headers);
    headers.set("content-type", "application/json");
    headers.delete("content-length");
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      body: bytes.length > 0 ? checkedJson(bytes) : "{}",
      signal: raw.signal,
    });
    await next();
  });
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  { bytesMax, msMax }: BodyBounds,
): Promise<Uint8Array> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void reader.cancel().catch(() => undefined);
  }, msMax);
  // Copied at once: a body may come in chunks of one byte, each of which is an object.
  let bytes = new Uint8Array(firstBytes);
  let length = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const end = length + read.value.length;
      if (end > bytesMax) throw tooLarge(bytesMax);
      if (end > bytes.length) bytes = grown(bytes, Math.max(end, 2 * bytes.length));
      bytes.set(read.value, length);
      length = end;
    }
  } finally {
    clearTimeout(timer);
    // Ends a body that is not read to its end; the rest of it is of no use.
    void reader.cancel().catch(() => undefined);
  }
  if (isLate) throw new ServiceError("invalid_json", `The body did not arrive within ${msMax / 1_000} s`);
  return bytes.subarray(0, length);
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}

function tooLarge(bytesMax: number): ServiceError {
  return new ServiceError("body_too_large", `The body is larger than ${bytesMax / 1024} KB`);
}

/** A body that cannot be read to its end means that the client disconnected. */
function rejectIncomplete(cause: unknown): never {
  throw cause instanceof ServiceError
    ? cause
    : new ServiceError("invalid_json", "The body is incomplete", { cause });
}

function requireJson(headers: Headers): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (!isUtf8Json(headers.get("content-type") ?? "") || encoding !== "identity")
    throw new ServiceError("unsupported_content_type");
}

function checkedJson(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new ServiceError("invalid_json", undefined, { cause });
  }
}
