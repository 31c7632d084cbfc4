import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { delayedPipe } from "./delayed-pipe.ts";

/**
 * One process's network path to all members of a replica set, which a test can break without affecting other processes:
 * a SOCKS5 server (RFC 1928) without authentication, for `proxyHost` and `proxyPort` in a MongoDB URI. It connects to
 * loopback ports only.
 */
export interface SocksProxy extends AsyncDisposable {
  port: number;
  /** Closes every connection, and each new one at once. */
  cut(): void;
  /** Keeps old and new connections open, but forwards nothing. */
  freeze(): void;
  /** Delays all data by this many milliseconds in each direction. */
  slow(delayMs: number): void;
  /** Forwards again, without delay. Closes frozen connections: they lost no data, but their clients have given up. */
  mend(): void;
}

const version = 5;
const succeeded = 0;
const refused = 5;
const reply = (code: number) => Buffer.from([version, code, 0, 1, 127, 0, 0, 1, 0, 0]);
const addressTypes = { ipv4: 1, name: 3 } as const;

export async function socksProxy(): Promise<SocksProxy> {
  const sockets = new Set<Socket>();
  let state: "pass" | "cut" | "frozen" = "pass";
  let delayMs = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ noDelay: true }, (client) => {
    keep(client);
    if (state === "cut") return void client.destroy();
    if (state === "frozen") return void client.pause();
    void handshake(client)
      .then((port) => {
        // A handshake that was in progress when the proxy froze stays frozen too.
        if (state === "frozen") return;
        const target = connect({ port, host: "127.0.0.1", noDelay: true });
        keep(target);
        target.once("connect", () => client.write(reply(succeeded)));
        target.once("error", () => target.connecting && client.end(reply(refused)));
        delayedPipe(client, target, () => delayMs);
        delayedPipe(target, client, () => delayMs);
      })
      .catch(() => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = "cut";
      endAll();
    },
    freeze() {
      state = "frozen";
      for (const socket of sockets) socket.pause().removeAllListeners("data");
    },
    slow(milliseconds) {
      delayMs = milliseconds;
    },
    mend() {
      delayMs = 0;
      if (state === "frozen") endAll();
      state = "pass";
    },
    async [Symbol.asyncDispose]() {
      state = "cut";
      endAll();
      server.close();
      await once(server, "close");
    },
  };
}

/** Reads the greeting and the request; resolves with the requested port. */
async function handshake(client: Socket): Promise<number> {
  const [, methods = 0] = await exactly(client, 2);
  await exactly(client, methods);
  client.write(Buffer.from([version, 0]));
  const [, , , type] = await exactly(client, 4);
  const [length = 0] = type === addressTypes.name ? await exactly(client, 1) : [4];
  const address = await exactly(client, length);
  const name = type === addressTypes.name ? address.toString("latin1") : address.join(".");
  if (name !== "127.0.0.1" && name !== "localhost") throw new Error(`${name} is not a loopback address`);
  return (await exactly(client, 2)).readUInt16BE();
}

async function exactly(client: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const read: Buffer | null = bytes === 0 ? Buffer.alloc(0) : client.read(bytes);
    if (read) return read;
    if (client.destroyed) throw new Error("the client hung up");
    await new Promise((resolve) => client.once("readable", resolve).once("close", resolve));
  }
}
