/** A file of the console, ready to be served. */
export interface Asset {
  body: Uint8Array<ArrayBuffer>;
  contentType: string;
  etag: string;
  /** Its name changes with its content, so it may be kept for ever. */
  isImmutable: boolean;
}
