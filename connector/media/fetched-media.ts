import type { LookupFunction } from "node:net";
import type { MediaKind } from "#shared/content.ts";

/**
 * An attachment in a temporary file, so that memory stays small whatever its size. `await using` removes the file.
 *
 * @example
 * await using media = await fetchMedia(url, "image", { bytesMax, allowHosts, signal });
 * await upload(createReadStream(media.path), media.mimetype);
 */
export interface FetchedMedia extends AsyncDisposable {
  /** Absolute; never made from anything the sender of the URL or the server said. */
  path: string;
  sizeBytes: number;
  /** What the bytes are; for a document without a signature, what the server says, else `application/octet-stream`. */
  mimetype: string;
  /** What the server, or the end of the URL's path, calls it. */
  fileName: string | null;
}

/** Fetches what a message names. Throws a `ServiceError` `media_…`. */
export type MediaFetch = (url: string, kind: MediaKind, signal: AbortSignal) => Promise<FetchedMedia>;

export interface FetchMediaOptions {
  bytesMax: number;
  /** `MEDIA_ALLOW_HOSTS`: `host` or `host:port`, lower case, that may be private, plain http and on any port. */
  allowHosts: readonly string[];
  /** Ends the fetch; its reason is thrown. */
  signal: AbortSignal;
  /** For everything together: names, redirects, body. 20 s unless told. */
  timeoutMs?: number;
  /** The system's resolver unless told. What it answers is what is checked and what is connected to. */
  lookup?: LookupFunction;
}
