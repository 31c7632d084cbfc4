import { WebSocket } from "ws";

/** Speaks Engine.IO by polling, so that it can stop reading. */
export class PollingClient {
  readonly #address: string;
  readonly #headers: Record<string, string>;
  sid = "";

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#address = `${url}/socket.io/?EIO=4&transport=polling`;
    this.#headers = headers;
  }

  async open(): Promise<this> {
    const text = await (await fetch(this.#address, { headers: this.#headers })).text();
    this.sid = JSON.parse(text.slice(1)).sid;
    return this;
  }

  /** Resolves to the status: 400 once the connection is closed. */
  async send(...packets: string[]): Promise<number> {
    const body = packets.join("\x1e");
    return (await fetch(this.url, { method: "POST", body, headers: this.#headers })).status;
  }

  async poll(): Promise<{ status: number; text: string }> {
    const response = await fetch(this.url, { headers: this.#headers });
    return { status: response.status, text: await response.text() };
  }

  async receive(): Promise<string> {
    return (await this.poll()).text;
  }

  get url(): string {
    return `${this.#address}&sid=${this.sid}`;
  }
}

/** Speaks Engine.IO over a websocket. */
export class SocketClient {
  readonly received: string[] = [];
  readonly socket: WebSocket;
  isClosed = false;

  constructor(url: string, sid?: string) {
    const query = `EIO=4&transport=websocket${sid ? `&sid=${sid}` : ""}`;
    this.socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?${query}`);
    this.socket.on("message", (data) => this.received.push(data.toString()));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  async open(): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.once("open", resolve).once("close", () => reject(new Error("closed")));
    await promise;
    return this;
  }

  send(...packets: (string | Buffer)[]): void {
    for (const packet of packets) this.socket.send(packet);
  }
}
