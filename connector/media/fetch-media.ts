/** Fetches media from the URLs that callers name, behind a guard against private addresses. */

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import type { MediaKind } from "#shared/content.ts";
import { ServiceError } from "#shared/errors.ts";
import type { FetchedMedia, FetchMediaOptions } from "./fetched-media.ts";
import { fileNameOf } from "./file-name.ts";
import { requestFollowing } from "./hops.ts";
import { mediaTypeOf } from "./media-type.ts";
import { temporaryFile } from "./temporary-file.ts";

const defaultTimeoutMs = 20_000;

/**
 * Fetches the media at a caller's URL into a temporary file. Connects to public addresses only (unless listed), follows
 * at most three redirects, bounds size and time, and checks that the bytes match the kind.
 * Throws `media_not_allowed`, `media_unavailable`, `media_too_large`, `media_type_mismatch`; the signal's reason; and an error
 * that trying again may mend, when there is no room on disk.
 */
export async function fetchMedia(
  url: string,
  kind: MediaKind,
  options: FetchMediaOptions,
): Promise<FetchedMedia> {
  await using cleanup = new AsyncDisposableStack();
  const room = cleanup.use(await options.budget.reserve(options.channelId, options.bytesMax, options.signal));
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  try {
    const signal = AbortSignal.any([options.signal, timeout]);
    const media = cleanup.use(await fetchWithin(url, kind, options, signal));
    room.shrink(media.sizeBytes);
    const kept = cleanup.move();
    return { ...media, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (error instanceof ServiceError) throw error;
    const message = timeout.aborted ? "The media took too long to arrive" : undefined;
    throw new ServiceError("media_unavailable", message, { cause: error });
  }
}

async function fetchWithin(
  address: string,
  kind: MediaKind,
  options: FetchMediaOptions,
  signal: AbortSignal,
): Promise<FetchedMedia> {
  await using answer = await requestFollowing(address, options, signal);
  const { url, response } = answer;
  assertUsable(response, options.bytesMax);
  await using cleanup = new AsyncDisposableStack();
  const file = cleanup.use(await temporaryFile());
  const sizeBytes = await save(response, file.path, options.bytesMax, signal);
  const mimetype = await mediaTypeOf(file.path, kind, essence(header(response, "content-type")));
  const fileName = fileNameOf(header(response, "content-disposition"), url, mimetype);
  const kept = cleanup.move();
  return { path: file.path, sizeBytes, mimetype, fileName, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function assertUsable(response: Dispatcher.ResponseData, bytesMax: number): void {
  const { statusCode } = response;
  if (statusCode !== 200) {
    const details = { status: statusCode };
    throw new ServiceError("media_unavailable", `The media server answered ${statusCode}`, { details });
  }
  const encoding = header(response, "content-encoding");
  if (encoding && encoding !== "identity") {
    throw new ServiceError(
      "media_unavailable",
      "The media server compressed the response although asked not to",
    );
  }
  if (Number(header(response, "content-length")) > bytesMax) throw tooLarge(bytesMax);
}

/** Counts the bytes that arrive, since a `Content-Length` proves nothing. */
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

/** Returns a media type without its parameters. */
function essence(contentType: string | null): string | null {
  return contentType?.split(";")[0]?.trim().toLowerCase() ?? null;
}
