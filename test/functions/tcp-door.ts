import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server that can be shut, left open without an answer, and opened again, always at the same port. */
export interface TcpDoor extends AsyncDisposable {
  port: number;
  open(): Promise<void>;
  /** Refuses connections and breaks those there are. */
  shut(): Promise<void>;
  /** Takes everything and answers nothing, on old and new connections. */
  freeze(): void;
}

export async function tcpDoor(toPort: number): Promise<TcpDoor> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const server = createServer((outside) => {
    sockets.add(outside.on("error", () => undefined));
    if (isFrozen) return;
    const inside = connect(toPort, "127.0.0.1").on("error", () => undefined);
    sockets.add(inside);
    outside.pipe(inside).pipe(outside);
    outside.once("close", () => inside.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const shut = async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  const port = await listen(0);
  return {
    port,
    async open() {
      await shut();
      isFrozen = false;
      await listen(port);
    },
    shut,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    [Symbol.asyncDispose]: shut,
  };
}
