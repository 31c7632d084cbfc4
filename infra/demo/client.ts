import { io, type Socket } from "socket.io-client";

/** A program that uses Waypost: requests over HTTP, events over Socket.io. */
export interface Client extends Disposable {
  call(method: "GET" | "POST", path: string, body?: object): Promise<Answer>;
  subscribe(channelId: string): Promise<void>;
  /** Resolves to the first event of this name that passes `test`, past or future. No event is returned twice. */
  waitFor(name: string, test?: (event: ClientEvent) => boolean): Promise<ClientEvent>;
}

interface Answer {
  status: number;
  payload: Record<string, string>;
}

export type ClientEvent = Record<string, unknown> & { channelId: string };

const timeoutMs = 20_000;

export function demoClient(url: string, apiKey: string): Client {
  const socket: Socket = io(url, { auth: { apiKey }, transports: ["websocket"] });
  const unclaimed: Array<{ name: string; event: ClientEvent }> = [];
  const waiting = new Set<() => void>();
  socket.onAny((name: string, event: ClientEvent) => {
    unclaimed.push({ name, event });
    for (const check of [...waiting]) check();
  });

  return {
    async call(method, path, body) {
      const response = await fetch(`${url}/api/whatsapp${path}`, {
        method,
        headers: { "X-Api-Key": apiKey, "Content-Type": "application/json" },
        ...(method === "POST" ? { body: JSON.stringify(body ?? {}) } : {}),
        signal: AbortSignal.timeout(timeoutMs),
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
      const answer = await socket.timeout(timeoutMs).emitWithAck("subscribe_channel", { channelId });
      if (!answer.ok) throw new Error(`subscribe_channel failed: ${JSON.stringify(answer.error)}`);
    },
    waitFor(name, test = () => true) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const index = unclaimed.findIndex((one) => one.name === name && test(one.event));
          const [found] = index < 0 ? [] : unclaimed.splice(index, 1);
          if (found) settle(() => resolve(found.event));
        };
        const settle = (end: () => void) => {
          clearTimeout(timer);
          waiting.delete(check);
          end();
        };
        const fail = () => settle(() => reject(new Error(`no ${name} within ${timeoutMs / 1_000} s`)));
        const timer = setTimeout(fail, timeoutMs);
        waiting.add(check);
        check();
      });
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}
