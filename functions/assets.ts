/** Declares a file of the console as the server holds it in memory. */

import type { ContentEncoding } from "#shared/accept-encoding.ts";

/** The bytes of a file in one encoding. */
export interface AssetBody {
  body: Uint8Array<ArrayBuffer>;
  /** Names these bytes, so it differs between encodings. */
  etag: string;
}

/** A file of the console, ready to be served. */
export interface Asset extends AssetBody {
  contentType: string;
  /** The name changes with the content, so browsers may cache the file for ever. */
  isImmutable: boolean;
  /** The same file as the build compressed it; empty when it did not. */
  encoded: ReadonlyMap<ContentEncoding, AssetBody>;
}

/** Tells operators what to do when there are no files to serve. */
export const howToBuild = "To build it: npm ci && npm run build, then start again.";
