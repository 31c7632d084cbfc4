import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";

const bodyBytesMax = 1024 * 1024;

/**
 * Reads the body and replaces it with valid JSON for the validators; an absent body becomes `{}`. Counts bytes while
 * reading, and stops at 1 MB. Throws `body_too_large`, `unsupported_content_type`, `invalid_json`.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  const { raw } = c.req;
  if (Number(raw.headers.get("content-length")) > bodyBytesMax) throw new ServiceError("body_too_large");
  const bytes = await readBytes(raw.body).catch(rejectIncomplete);
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

async function readBytes(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > bodyBytesMax) throw new ServiceError("body_too_large");
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** A body that cannot be read to its end means that the client disconnected. */
function rejectIncomplete(cause: unknown): never {
  throw cause instanceof ServiceError
    ? cause
    : new ServiceError("invalid_json", "The body is incomplete", { cause });
}

function requireJson(headers: Headers): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  const type = headers.get("content-type") ?? "";
  const isJson = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type);
  if (!isJson || encoding !== "identity") throw new ServiceError("unsupported_content_type");
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
