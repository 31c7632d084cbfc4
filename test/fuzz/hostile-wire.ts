import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";

/** Connections kept open at once, so that what a server keeps for them adds up. */
const openMax = 150;

/** The hostile client's connections. Everything that it receives goes to `received`. */
export class HostileWires implements Disposable {
  readonly #url: URL;
  readonly #received: (bytes: string) => void;
  readonly #open: (Socket | WebSocket)[] = [];

  constructor(url: string, received: (bytes: string) => void) {
    this.#url = new URL(url);
    this.#received = received;
  }

  /** A TCP connection; a deaf one never reads. */
  async tcp(isDeaf: boolean): Promise<Socket> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    socket.on("error", () => undefined);
    if (isDeaf) socket.pause();
    else socket.on("data", (data) => this.#received(data.toString("latin1")));
    await settled(socket, "connect");
    return this.#keep(socket);
  }

  /** A websocket on a path of the server. */
  async websocket(path: string, isDeaf: boolean, headers: Record<string, string>): Promise<WebSocket> {
    const socket = new WebSocket(`ws://${this.#url.host}${path}`, { headers, perMessageDeflate: false });
    socket.on("error", () => undefined);
    socket.on("message", (data) => this.#received(data.toString()));
    await settled(socket, "open");
    if (isDeaf && socket.readyState === WebSocket.OPEN) socket.pause();
    return this.#keep(socket);
  }

  /** An HTTP request; resolves to its answer, or to nothing when there is none in time. */
  async request(path: string, init: RequestInit = {}): Promise<string> {
    try {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(new URL(path, this.#url), { ...init, signal });
      const text = await answer.text();
      this.#received(text);
      return text;
    } catch {
      return "";
    }
  }

  #keep<T extends Socket | WebSocket>(socket: T): T {
    this.#open.push(socket);
    if (this.#open.length > openMax) end(this.#open.shift());
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#open) end(socket);
  }
}

function end(socket: Socket | WebSocket | undefined): void {
  if (socket instanceof WebSocket) socket.terminate();
  else socket?.destroy();
}

/** A server may refuse a connection: then it is settled, too. */
function settled(socket: Socket | WebSocket, event: string): Promise<void> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve());
    socket.once("close", () => resolve());
  });
}
