import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toBuffer } from "qrcode";

/** An image on its own web server, for a message that links to it. */
export interface Picture extends AsyncDisposable {
  url: string;
  /** Goes into `MEDIA_ALLOW_HOSTS`, since it is on loopback. */
  host: string;
  bytes: Buffer;
}

export async function servePicture(): Promise<Picture> {
  const bytes = await toBuffer("A picture made by the demo.", { width: 240 });
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "image/png" }).end(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://${host}/picture.png`, host, bytes, [Symbol.asyncDispose]: close };
}
