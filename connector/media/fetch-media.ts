import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import type { MediaKind } from "#shared/content.ts";
import { ServiceError } from "#shared/errors.ts";
import type { FetchedMedia, FetchMediaOptions } from "./fetched-media.ts";
import { fileNameOf } from "./file-name.ts";
import { askFollowing } from "./hops.ts";
import { mediaTypeOf } from "./media-type.ts";
import { temporaryFile } from "./temporary-file.ts";

const defaultTimeoutMs = 20_000;

/**
 * Fetches what a caller named, as far as that is safe: public addresses only (unless listed), at most three redirects,
 * so many bytes, so much time, and the bytes must be of the stated kind.
 * Throws `media_not_allowed`, `media_unavailable`, `media_too_large`, `media_type_mismatch`; and the signal's reason.
 */
export async function fetchMedia(
  url: string,
  kind: MediaKind,
  options: FetchMediaOptions,
): Promise<FetchedMedia> {
  const late = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  try {
    return await fetchWithin(url, kind, options, AbortSignal.any([options.signal, late]));
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (error instanceof ServiceError) throw error;
    const message = late.aborted ? "The media took too long to arrive" : undefined;
    throw new ServiceError("media_unavailable", message, { cause: error });
  }
}

async function fetchWithin(
  text: string,
  kind: MediaKind,
  options: FetchMediaOptions,
  signal: AbortSignal,
): Promise<FetchedMedia> {
  await using answer = await askFollowing(text, options, signal);
  const { url, response } = answer;
  assertUsable(response, options.bytesMax);
  await using cleanup = new AsyncDisposableStack();
  const file = cleanup.use(await temporaryFile());
  const sizeBytes = await save(response, file.path, options.bytesMax, signal);
  const mimetype = await mediaTypeOf(file.path, kind, essence(header(response, "content-type")));
  const fileName = fileNameOf(header(response, "content-disposition"), url);
  const kept = cleanup.move();
  return { path: file.path, sizeBytes, mimetype, fileName, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function assertUsable(response: Dispatcher.ResponseData, bytesMax: number): void {
  const { statusCode } = response;
  if (statusCode !== 200) {
    const details = { status: statusCode };
    throw new ServiceError("media_unavailable", `The media's server answered ${statusCode}`, { details });
  }
  const encoding = header(response, "content-encoding");
  if (encoding && encoding !== "identity") {
    throw new ServiceError("media_unavailable", "The media's server insists on compressing it");
  }
  if (Number(header(response, "content-length")) > bytesMax) throw tooLarge(bytesMax);
}

/** Counts what comes: what the server said of its size proves nothing. */
async function save(
  { body }: Dispatcher.ResponseData,
  path: string,
  bytesMax: number,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      yield chunk;
    }
  }
  await pipeline(body, counted, createWriteStream(path, { mode: 0o600 }), { signal });
  if (bytes === 0) throw new ServiceError("media_unavailable", "The media is empty");
  return bytes;
}

function tooLarge(bytesMax: number): ServiceError {
  return new ServiceError("media_too_large", `The media is larger than ${bytesMax} bytes`, {
    details: { bytesMax },
  });
}

function header({ headers }: Dispatcher.ResponseData, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** A media type without its parameters. */
function essence(contentType: string | null): string | null {
  return contentType?.split(";")[0]?.trim().toLowerCase() ?? null;
}
