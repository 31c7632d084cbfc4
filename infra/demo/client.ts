import { io, type Socket } from "socket.io-client";

/** What a program that uses Waypost needs: HTTP for asking, Socket.io for hearing. */
export interface Client extends Disposable {
  call(method: "GET" | "POST", path: string, body?: object): Promise<Answer>;
  subscribe(channelId: string): Promise<void>;
  /** The first event of this name, heard already or to come, for which `test` holds; each is given once. */
  hear(name: string, test?: (event: Heard) => boolean): Promise<Heard>;
}

interface Answer {
  status: number;
  payload: Record<string, string>;
}

export type Heard = Record<string, unknown> & { channelId: string };

const patienceMs = 20_000;

export function demoClient(url: string, apiKey: string): Client {
  const socket: Socket = io(url, { auth: { apiKey }, transports: ["websocket"] });
  const heard: Array<{ name: string; event: Heard }> = [];
  const waiting = new Set<() => void>();
  socket.onAny((name: string, event: Heard) => {
    heard.push({ name, event });
    for (const look of [...waiting]) look();
  });

  return {
    async call(method, path, body) {
      const response = await fetch(`${url}/api/whatsapp${path}`, {
        method,
        headers: { "X-Api-Key": apiKey, "Content-Type": "application/json" },
        ...(method === "POST" ? { body: JSON.stringify(body ?? {}) } : {}),
        signal: AbortSignal.timeout(patienceMs),
      });
      const answer = (await response.json()) as {
        ok: boolean;
        payload?: Record<string, string>;
        error?: unknown;
      };
      if (!answer.ok)
        throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer.error)}`);
      return { status: response.status, payload: answer.payload ?? {} };
    },
    async subscribe(channelId) {
      const answer = await socket.timeout(patienceMs).emitWithAck("subscribe_channel", { channelId });
      if (!answer.ok) throw new Error(`not subscribed: ${JSON.stringify(answer.error)}`);
    },
    hear(name, test = () => true) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const index = heard.findIndex((one) => one.name === name && test(one.event));
          const [found] = index < 0 ? [] : heard.splice(index, 1);
          if (found) settle(() => resolve(found.event));
        };
        const settle = (end: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          end();
        };
        const late = () => settle(() => reject(new Error(`no ${name} within ${patienceMs / 1_000} s`)));
        const timer = setTimeout(late, patienceMs);
        waiting.add(look);
        look();
      });
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}
