import { io, type Socket } from "socket.io-client";
import { Agent, request } from "undici";
import { nowMs } from "./clock.ts";

export const apiKey = "bench_key_0123456789abcdefghij";

type Data = Record<string, unknown> & { channelId?: string; messageId?: string; message?: string };
type Heard = (name: string, data: Data, atMs: number) => void;

/** Subscriptions of one socket; Waypost allows 500. */
const subscriptionsEach = 400;
const answerMs = 60_000;

/** A caller of the HTTP API and the Socket.io events, which bare Baileys and Waypost offer alike. */
export class Client {
  readonly #url: string;
  readonly #eventsUrl: string;
  readonly #agent = new Agent({ headersTimeout: answerMs, bodyTimeout: answerMs });
  readonly #listeners = new Set<Heard>();
  #sockets: { socket: Socket; subscriptions: number }[] = [];

  constructor(url: string, eventsUrl: string) {
    this.#url = url;
    this.#eventsUrl = eventsUrl;
  }

  /** Reads the body as text; throws for anything but success. */
  async #call(method: "GET" | "POST", path: string, body?: unknown, accept = "application/json") {
    const answer = await request(`${this.#url}/api/whatsapp${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { "x-api-key": apiKey, accept, ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : null,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text;
  }

  async createChannel(name: string): Promise<string> {
    return JSON.parse(await this.#call("POST", "/channels", { name })).payload.channelId;
  }

  /** Asks for a connection; the QR follows as an event. */
  async connect(channelId: string): Promise<void> {
    await this.#call("POST", `/channels/${channelId}/connect`, {});
  }

  async qr(channelId: string): Promise<string> {
    return (await this.#call("GET", `/channels/${channelId}/qr`, undefined, "text/plain")).trim();
  }

  /** Resolves with the message's id once the gateway has answered. */
  async send(channelId: string, to: string, message: string): Promise<string> {
    return JSON.parse(await this.#call("POST", `/channels/${channelId}/send`, { to, message })).payload
      .messageId;
  }

  /** Keeps what a program without a database needs to come back. */
  async dump(): Promise<void> {
    await this.#call("POST", "/dump", {});
  }

  async subscribe(channelId: string): Promise<void> {
    let last = this.#sockets.at(-1);
    if (!last || last.subscriptions === subscriptionsEach) {
      last = { socket: this.#open(), subscriptions: 0 };
      this.#sockets.push(last);
    }
    last.subscriptions++;
    const answer = await last.socket.timeout(answerMs).emitWithAck("subscribe_channel", { channelId });
    if (!answer.ok) throw new Error(`not subscribed: ${JSON.stringify(answer)}`);
  }

  #open(): Socket {
    const socket = io(this.#eventsUrl, {
      auth: { apiKey },
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
    });
    socket.onAny((name: string, data: Data) => {
      const atMs = nowMs();
      for (const hear of this.#listeners) hear(name, data, atMs);
    });
    return socket;
  }

  /** Disposal stops it. */
  listen(hear: Heard): Disposable {
    this.#listeners.add(hear);
    return { [Symbol.dispose]: () => void this.#listeners.delete(hear) };
  }

  /** Resolves with the time at which an event passes `test`. */
  heard(test: (name: string, data: Data) => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const tooLate = setTimeout(() => {
        listening[Symbol.dispose]();
        reject(new Error("an expected event did not arrive"));
      }, answerMs);
      const listening = this.listen((name, data, atMs) => {
        if (!test(name, data)) return;
        clearTimeout(tooLate);
        listening[Symbol.dispose]();
        resolve(atMs);
      });
    });
  }

  disconnect(): void {
    for (const { socket } of this.#sockets) socket.close();
    this.#sockets = [];
  }

  async close(): Promise<void> {
    this.disconnect();
    await this.#agent.destroy();
  }
}
