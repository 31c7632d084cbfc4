import { errorFromAnswer, RequestError } from "./request-error.ts";

/** Notified about every response. */
export interface Listener {
  /** The server's time of the response, in milliseconds; null if it had none. */
  answered: (serverTime: number | null) => void;
  /** The session has ended, or never existed. */
  unauthorized: () => void;
}

/** Resolves with the JSON body of a 2xx, or null if it is not JSON. Rejects with a `RequestError`. */
export type Call = (method: string, path: string, body?: object, prefer?: string) => Promise<unknown>;

const timeoutMs = 40_000;

/** Sends the page's requests; the browser adds the session cookie. */
export function createCall(fetchFrom: typeof fetch, listener: Listener): Call {
  return async (method, path, body, prefer) => {
    const response = await request(fetchFrom, method, path, body, prefer);
    const date = Date.parse(response.headers.get("Date") ?? "");
    listener.answered(Number.isNaN(date) ? null : date);
    const parsed: unknown = await response.json().catch(() => null);
    if (response.status === 401) listener.unauthorized();
    if (!response.ok) throw errorFromAnswer(response.status, parsed);
    return parsed;
  };
}

async function request(
  fetchFrom: typeof fetch,
  method: string,
  path: string,
  body: object | undefined,
  prefer: string | undefined,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (prefer) headers.Prefer = prefer;
  try {
    return await fetchFrom(path, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (cause) {
    throw unreachable(cause);
  }
}

function unreachable(cause: unknown): RequestError {
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return isTimeout
    ? new RequestError("timeout", "The server did not respond in time", { status: 0 })
    : new RequestError("unreachable", "The server cannot be reached", { status: 0 });
}
