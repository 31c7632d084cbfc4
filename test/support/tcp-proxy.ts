import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire to a server of this machine that can be broken in every way there is, always at the same port. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** From which ports it called its target, and when (milliseconds since 1970): so the target's callers are told apart. */
  readonly calls: readonly { port: number; at: number }[];
  /** Ends what is connected, and whatever connects. */
  cut(): void;
  /** Takes everything and answers nothing, on old and new connections. */
  freeze(): void;
  /** Ends what is connected; nothing listens any more, so that connections are refused. */
  close(): Promise<void>;
  /** New connections pass again. */
  mend(): Promise<void>;
}

export async function tcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const calls: { port: number; at: number }[] = [];
  let newcomers: "pass" | "wait" | "end" = "pass";
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (newcomers === "end") client.destroy();
    if (newcomers !== "pass") return;
    const target = connect(targetPort, "127.0.0.1");
    keep(target);
    target.once("connect", () => calls.push({ port: target.localPort ?? 0, at: Date.now() }));
    client.pipe(target).pipe(client);
    client.once("close", () => target.destroy());
    target.once("close", () => client.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const cut = () => {
    newcomers = "end";
    for (const socket of sockets) socket.destroy();
  };
  const close = async () => {
    cut();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  const port = await listen(0);
  return {
    port,
    calls,
    cut,
    close,
    freeze() {
      newcomers = "wait";
      for (const socket of sockets) socket.unpipe().pause();
    },
    async mend() {
      // What was frozen lost what it held back.
      if (newcomers === "wait") cut();
      newcomers = "pass";
      if (!server.listening) await listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The address of the proxied MongoDB. Direct, since a replica set tells the driver where it really is. */
export function overProxy({ port }: TcpProxy, mongoUri: string): string {
  const address = new URL(mongoUri);
  address.port = String(port);
  address.search = "?directConnection=true";
  return address.href;
}
