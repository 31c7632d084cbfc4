import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One file on a web server of its own, on loopback. Disposal stops it. */
export type ServedFile = AsyncDisposable & {
  url: string;
  /** `host:port`, as `MEDIA_ALLOW_HOSTS` wants it. */
  host: string;
  body: Buffer;
};

export async function serveFile(body: Buffer, contentType: string): Promise<ServedFile> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": contentType, "Content-Length": body.length });
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/file`,
    host,
    body,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
