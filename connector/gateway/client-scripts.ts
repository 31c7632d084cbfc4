import { readFile } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import manifest from "socket.io/package.json" with { type: "json" };
import { type ContentEncoding, contentEncodings, preferredEncoding } from "#shared/accept-encoding.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";

/** Socket.io's client for browsers, from the package that this process runs. */
const folder = new URL("client-dist/", import.meta.resolve("socket.io/package.json"));
const names = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
const files = new Set(names.flatMap((name) => [name, `${name}.map`]));
const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) };

/**
 * The scripts, each read and compressed once: compressing one takes 0.2 s of the processor, and anybody may ask for it.
 */
export class ClientScripts {
  readonly #bodies = new Map<string, Promise<Buffer>>();

  read(name: string, encoding: ContentEncoding | null): Promise<Buffer> {
    const id = `${name} ${encoding}`;
    const body = this.#bodies.get(id) ?? readScript(name, encoding);
    this.#bodies.set(id, body);
    // The next request tries again.
    body.catch(() => this.#bodies.delete(id));
    return body;
  }
}

async function readScript(name: string, encoding: ContentEncoding | null): Promise<Buffer> {
  const bytes = await readFile(new URL(name, folder));
  return encoding ? await compress[encoding](bytes) : bytes;
}

/** Answers requests for the scripts before anything else on the server does. */
export function serveClientScripts(server: Server, origins: readonly string[], log: Logger): void {
  const scripts = new ClientScripts();
  const listeners = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const name = /^\/socket\.io\/([\w.]+)(?:\?|$)/.exec(request.url ?? "")?.[1] ?? "";
    if (!files.has(name)) for (const listener of listeners) listener.call(server, request, response);
    else
      answer(request, response, name).catch((error: unknown) => {
        log.error(
          { event: "script_unreadable", ...errorTrace(error) },
          "gateway could not serve Socket.io's client",
        );
        response.writeHead(500).end();
      });
  });

  async function answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const { origin } = request.headers;
    if (origin && origins.includes(origin)) response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Vary", "Origin, Accept-Encoding");
    response.setHeader("Cache-Control", "public, max-age=0");
    const accepted = request.headers["accept-encoding"];
    const encoding = preferredEncoding(accepted?.toString(), contentEncodings);
    const body = await scripts.read(name, encoding);
    const etag = `"${manifest.version}-${encoding ?? "identity"}"`;
    response.setHeader("ETag", etag);
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
      return;
    }
    if (encoding) response.setHeader("Content-Encoding", encoding);
    const type = name.endsWith(".map") ? "application/json" : "application/javascript";
    response
      .writeHead(200, { "Content-Type": `${type}; charset=utf-8`, "Content-Length": body.length })
      .end(body);
  }
}
