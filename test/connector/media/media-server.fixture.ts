import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

export interface MediaServer extends AsyncDisposable {
  port: number;
  /** `host:port`, for `MEDIA_ALLOW_HOSTS`. */
  host: string;
  url(path: string): string;
}

/** Starts a server on loopback that answers by path. */
export async function mediaServer(routes: Record<string, Respond>): Promise<MediaServer> {
  const server: Server = createServer((request, response) => {
    const respond = routes[request.url?.split("?")[0] ?? ""];
    if (respond) respond(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A resolver that answers each query with the next list of addresses, and repeats the last one. */
export function resolver(...answers: string[][]): LookupFunction & { questions: string[] } {
  const questions: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    const answer = answers[Math.min(questions.length, answers.length - 1)] ?? [];
    questions.push(hostname);
    const addresses = answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  };
  return Object.assign(lookup, { questions });
}

export function sends(body: Uint8Array | string, headers: Record<string, string> = {}): Respond {
  return (_request, response) => response.writeHead(200, headers).end(body);
}

export function redirectsTo(location: string | (() => string), status = 302): Respond {
  return (_request, response) =>
    response.writeHead(status, { location: typeof location === "string" ? location : location() }).end();
}

export const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
export const webp = Buffer.from("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==", "base64");
