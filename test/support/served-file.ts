import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on loopback that serves one file. Disposal stops it. */
export type ServedFile = AsyncDisposable & {
  url: string;
  /** `host:port`, the form that `MEDIA_ALLOW_HOSTS` takes. */
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
