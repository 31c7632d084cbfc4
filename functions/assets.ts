import type { ContentEncoding } from "./http/accept-encoding.ts";

/** The bytes of a file as one encoding sends them. */
export interface AssetBody {
  body: Uint8Array<ArrayBuffer>;
  /** Names these bytes, so it differs between encodings. */
  etag: string;
}

/** A file of the console, ready to be served. */
export interface Asset extends AssetBody {
  contentType: string;
  /** Its name changes with its content, so browsers may cache it for ever. */
  isImmutable: boolean;
  /** The same file compressed, as far as the build did. */
  encoded: ReadonlyMap<ContentEncoding, AssetBody>;
}

/** For operators, when there are no files to serve. */
export const howToBuild = "To build it: npm ci && npm run build, then start again.";
