import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy, on a fixed port, to a server on this machine. A test can break its connections in several ways. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** The local port and time (milliseconds since 1970) of each connection to the target, to tell its clients apart. */
  readonly calls: readonly { port: number; at: number }[];
  /** Closes every connection, and each new one at once. */
  cut(): void;
  /** Keeps old and new connections open, but forwards nothing. */
  freeze(): void;
  /** Keeps the open connections open, but forwards nothing on them, as after a freeze; new ones work. */
  strand(): void;
  /** Closes every connection and stops listening, so that new connections are refused. */
  close(): Promise<void>;
  /** Accepts and forwards new connections again. */
  mend(): Promise<void>;
}

/** `tap` is called for each connection, and what it returns with all that the client sends on it. */
export async function tcpProxy(targetPort: number, tap?: () => (bytes: Buffer) => void): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const calls: { port: number; at: number }[] = [];
  let newConnections: "pass" | "wait" | "end" = "pass";
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (newConnections === "end") client.destroy();
    if (newConnections !== "pass") return;
    const target = connect(targetPort, "127.0.0.1");
    keep(target);
    target.once("connect", () => calls.push({ port: target.localPort ?? 0, at: Date.now() }));
    if (tap) client.on("data", tap());
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
    newConnections = "end";
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
      newConnections = "wait";
      for (const socket of sockets) socket.unpipe().pause();
    },
    strand() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async mend() {
      // A frozen connection has lost data: it cannot resume.
      if (newConnections === "wait") cut();
      newConnections = "pass";
      if (!server.listening) await listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The URI of the proxied MongoDB. A direct connection, because a replica set would send the driver past the proxy. */
export function overProxy({ port }: TcpProxy, mongoUri: string): string {
  const address = new URL(mongoUri);
  address.port = String(port);
  address.searchParams.delete("replicaSet");
  address.searchParams.set("directConnection", "true");
  return address.href;
}
