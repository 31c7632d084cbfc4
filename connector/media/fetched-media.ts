import type { LookupFunction } from "node:net";
import type { MediaKind } from "#shared/content.ts";
import type { DiskBudget } from "./disk-budget.ts";

/**
 * An attachment in a temporary file, so that memory stays small whatever its size. `await using` removes the file.
 *
 * @example
 * await using media = await fetchMedia(url, "image", { bytesMax, budget, allowHosts, signal });
 * await upload(createReadStream(media.path), media.mimetype);
 */
export interface FetchedMedia extends AsyncDisposable {
  /** Absolute. Contains nothing that the caller or the media server chose. */
  path: string;
  sizeBytes: number;
  /** By the bytes; for a document without a signature the server's `Content-Type`, else `application/octet-stream`. */
  mimetype: string;
  /** From the server, or else from the end of the URL's path; with an ending that fits the type. */
  fileName: string;
}

/** Fetches the media of a message. Throws a `ServiceError` `media_…`. */
export type MediaFetch = (
  url: string,
  kind: MediaKind,
  options: Pick<FetchMediaOptions, "channelId" | "signal">,
) => Promise<FetchedMedia>;

export interface FetchMediaOptions {
  /** Whose share of the budget it takes. */
  channelId: string;
  bytesMax: number;
  /** Shared by all fetches. Each takes `bytesMax` of it until its real size is known. */
  budget: DiskBudget;
  /** `MEDIA_ALLOW_HOSTS`: `host` or `host:port`, lower case. These may be private, on any port, and use plain http. */
  allowHosts: readonly string[];
  /** Aborts the fetch, which then throws the signal's reason. */
  signal: AbortSignal;
  /** Covers everything: name resolution, redirects, body. Defaults to 20 s. */
  timeoutMs?: number;
  /** Defaults to the system's resolver. Its answer is checked, and then connected to. */
  lookup?: LookupFunction;
}
