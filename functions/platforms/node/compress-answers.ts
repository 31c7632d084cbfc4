import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { type ContentEncoding, contentEncodings, preferredEncoding } from "#shared/accept-encoding.ts";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { Fetch } from "./fetch.ts";

/** A smaller answer fits into one packet, compressed or not. */
const compressedBytesMin = 1_024;
/**
 * Takes about as long as gzip at its default level and saves more: `/openapi.json` becomes 6.8 KB, with gzip 7.3 KB.
 */
const brotliQuality = 4;

/** How many pages that say the same to everybody are remembered compressed: `/openapi.json` takes 4.5 ms, without a key. */
const pagesMax = 16;

const compressible = /^(application\/(problem\+)?json|text\/(html|plain))\s*(;|$)/i;

/**
 * Compresses what the app answers in JSON and text. Only Node needs this: the other platforms compress on their own. An
 * answer passes unchanged when it is marked as a stream (`Transfer-Encoding`), has an `ETag` (which names its bytes), sets a
 * cookie or is marked `Cache-Control: no-transform`. A route that answers with a secret must mark it so: beside text that an
 * attacker chose, the compressed length would give the secret away (BREACH). A page marked `no-cache` is compressed once for
 * all.
 */
export function compressAnswers(fetch: Fetch): Fetch {
  const pages = createBoundedCache<Page>(pagesMax);
  const compress = async (
    request: Request,
    headers: Headers,
    encoding: ContentEncoding,
    bytes: Uint8Array,
  ) => {
    if (headers.get("cache-control") !== "no-cache") return await compressors[encoding](bytes);
    const name = `${encoding} ${new URL(request.url).pathname}`;
    const known = pages.get(name);
    if (known && Buffer.compare(known.bytes, bytes) === 0) return await known.compressed;
    const compressed = compressors[encoding](bytes);
    pages.set(name, { bytes, compressed });
    return await compressed;
  };
  return async (request, env) => {
    const answer = await fetch(request, env);
    if (!isCompressible(answer.headers)) return answer;
    if (!answer.body) return request.method === "HEAD" ? varying(answer) : answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const headers = new Headers(answer.headers);
    const { status, statusText } = answer;
    if (bytes.length < compressedBytesMin) return new Response(bytes, { status, statusText, headers });
    headers.append("Vary", "Accept-Encoding");
    const encoding = preferredEncoding(request.headers.get("accept-encoding") ?? undefined, contentEncodings);
    if (!encoding) return new Response(bytes, { status, statusText, headers });
    headers.set("Content-Encoding", encoding);
    headers.delete("Content-Length");
    const body = await compress(request, headers, encoding, bytes);
    return new Response(body, { status, statusText, headers });
  };
}

interface Page {
  bytes: Uint8Array;
  compressed: Promise<Buffer<ArrayBuffer>>;
}

/** The answer to a HEAD request varies as that to a GET may. */
function varying({ status, statusText, headers: given }: Response): Response {
  const headers = new Headers(given);
  headers.append("Vary", "Accept-Encoding");
  return new Response(null, { status, statusText, headers });
}

const compressors: Record<ContentEncoding, (bytes: Uint8Array) => Promise<Buffer<ArrayBuffer>>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  gzip: (bytes) => promisify(gzip)(bytes),
};

function isCompressible(headers: Headers): boolean {
  return (
    compressible.test(headers.get("content-type") ?? "") &&
    !["content-encoding", "transfer-encoding", "set-cookie", "etag"].some((name) => headers.has(name)) &&
    !/\bno-transform\b/i.test(headers.get("cache-control") ?? "")
  );
}
