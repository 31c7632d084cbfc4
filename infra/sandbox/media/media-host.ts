/** Serves encrypted media over HTTPS on loopback, and encrypts and decrypts attachments as a phone does. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { folderBlobs, type MediaBlobs, memoryBlobs } from "./blobs.ts";
import { byteRange } from "./byte-range.ts";
import type { KeyAndCertificate } from "./certificate.ts";

/** Answers the next `times` requests in one direction with `status`. */
type MediaFault = { status: number; times: number };

/** The active faults. Fields may be changed at any time; the next request obeys. */
export type MediaFaults = {
  upload: MediaFault | null;
  download: MediaFault | null;
  /** Delay before every answer, in milliseconds. */
  delayMs: number;
};

/** Counts since the start. */
export type MediaCounts = {
  uploads: number;
  downloads: number;
  /** Requests answered by a fault. */
  failed: number;
  /** Uploads whose bytes did not match the hash in their name. */
  mismatched: number;
};

/** Stores encrypted attachments. */
export type MediaStore = {
  /** `127.0.0.1:port`, as WhatsApp's `media_conn` names a host. */
  hostname: string;
  /** Stores an encrypted blob that did not arrive over HTTP: one that a simulated contact sends. */
  put(encrypted: Buffer): Promise<StoredMedia>;
  /** The encrypted blob behind a direct path, if it is still stored. */
  get(directPath: string): Promise<Buffer | undefined>;
};

export type MediaHost = AsyncDisposable &
  MediaStore & {
    faults: MediaFaults;
    counts: MediaCounts;
    close(): Promise<void>;
  };

export const noMediaCounts = (): MediaCounts => ({ uploads: 0, downloads: 0, failed: 0, mismatched: 0 });

/** Where a blob can be fetched, in the two forms that a media message carries. */
type StoredMedia = { url: string; directPath: string };

export type MediaHostOptions = {
  server: KeyAndCertificate;
  /** Folder that keeps the blobs across restarts; absent: in memory only. */
  folder?: string;
  /** The port to try first, because links in old messages contain it. A free one if absent or taken. */
  port?: number;
  blobBytesMax?: number;
  totalBytesMax?: number;
};

const mebibyte = 1024 * 1024;
const uploadPath = /^\/mms\/[a-z-]+\/([A-Za-z0-9_-]{43})$/;
const downloadPath = /^\/v\/([A-Za-z0-9_-]{43})$/;

/**
 * Starts a miniature of WhatsApp's media servers: HTTPS on loopback, where encrypted blobs are uploaded and downloaded
 * by the SHA-256 of their bytes.
 *
 * `POST /mms/{image,video,…}/<base64url of the SHA-256>` answers `{url, direct_path}`; `GET` of that URL
 * answers the bytes, whole or by range. The paths are those that Baileys uses (`Utils/messages-media.js`).
 */
export async function startMediaHost(options: MediaHostOptions): Promise<MediaHost> {
  const { blobBytesMax = 100 * mebibyte, totalBytesMax = 512 * mebibyte } = options;
  const blobs = options.folder
    ? await folderBlobs(options.folder, totalBytesMax)
    : memoryBlobs(totalBytesMax);
  const faults: MediaFaults = { upload: null, download: null, delayMs: 0 };
  const counts = noMediaCounts();
  const closing = new AbortController();

  const place = (name: string): StoredMedia => ({
    url: `https://${hostname}/v/${name}`,
    directPath: `/v/${name}`,
  });
  const put = async (encrypted: Buffer): Promise<StoredMedia> => {
    const name = nameOf(encrypted);
    await blobs.put(name, encrypted);
    return place(name);
  };
  const host: Host = { blobs, faults, counts, blobBytesMax, put, signal: closing.signal };

  const server = createServer(
    { cert: options.server.certificate, key: options.server.key },
    (request, answer) => {
      serve(host, request, answer).catch(() => answer.destroy());
    },
  );
  const hostname = `127.0.0.1:${await listen(server, options.port ?? 0)}`;

  const close = async (): Promise<void> => {
    closing.abort();
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const get = async (directPath: string): Promise<Buffer | undefined> => {
    const name = downloadPath.exec(directPath.split("?")[0] ?? "")?.[1];
    return name === undefined ? undefined : blobs.get(name);
  };
  return { hostname, faults, counts, put, get, close, [Symbol.asyncDispose]: close };
}

type Host = {
  blobs: MediaBlobs;
  faults: MediaFaults;
  counts: MediaCounts;
  blobBytesMax: number;
  put(encrypted: Buffer): Promise<StoredMedia>;
  signal: AbortSignal;
};

async function serve(host: Host, request: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "https://loopback");
  const upload = request.method === "POST" ? uploadPath.exec(pathname)?.[1] : undefined;
  const download = request.method === "GET" ? downloadPath.exec(pathname)?.[1] : undefined;
  if (host.faults.delayMs > 0) await wait(host.faults.delayMs, undefined, { signal: host.signal });

  if (upload !== undefined) return await receive(host, upload, request, answer);
  if (download !== undefined) return await send(host, download, request, answer);
  request.resume();
  respond(answer, 404, { error: "not found" });
}

async function receive(
  host: Host,
  name: string,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const encrypted = await body(request, host.blobBytesMax);
  const fault = takeFault(host, "upload");
  if (fault !== null) return respond(answer, fault, { error: "fault" });
  if (encrypted === null) {
    // The rest of the body is not read, so the connection cannot be used again.
    answer.shouldKeepAlive = false;
    return respond(answer, 413, { error: "too large" });
  }
  if (nameOf(encrypted) !== name) {
    host.counts.mismatched += 1;
    return respond(answer, 400, { error: "the bytes do not match the hash in their name" });
  }
  const { url, directPath } = await host.put(encrypted);
  host.counts.uploads += 1;
  respond(answer, 200, { url, direct_path: directPath });
}

async function send(
  host: Host,
  name: string,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const fault = takeFault(host, "download");
  if (fault !== null) return respond(answer, fault, { error: "fault" });
  const encrypted = await host.blobs.get(name);
  if (!encrypted) return respond(answer, 404, { error: "not found" });
  host.counts.downloads += 1;

  const headers = { "content-type": "application/octet-stream", "accept-ranges": "bytes" };
  const range = byteRange(request.headers.range, encrypted.length);
  if (range === "whole") {
    answer.writeHead(200, { ...headers, "content-length": encrypted.length }).end(encrypted);
  } else if (range === "unsatisfiable") {
    answer.writeHead(416, { "content-range": `bytes */${encrypted.length}` }).end();
  } else {
    const part = encrypted.subarray(range.first, range.last + 1);
    const place = `bytes ${range.first}-${range.last}/${encrypted.length}`;
    answer.writeHead(206, { ...headers, "content-length": part.length, "content-range": place }).end(part);
  }
}

/** Uses up one of a fault's times and returns the status to answer with; null if no fault is active. */
function takeFault(host: Host, direction: "upload" | "download"): number | null {
  const fault = host.faults[direction];
  if (fault === null) return null;
  fault.times -= 1;
  if (fault.times <= 0) host.faults[direction] = null;
  host.counts.failed += 1;
  return fault.status;
}

/** The whole body, or null once it is larger than `bytesMax`. */
async function body(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function respond(answer: ServerResponse, status: number, value: object): void {
  answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

const nameOf = (encrypted: Buffer): string => createHash("sha256").update(encrypted).digest("base64url");

/** Listens on `port`, or on a free one if it is taken. */
async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return await listen(server, 0);
  }
  return (server.address() as AddressInfo).port;
}
