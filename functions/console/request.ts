import { errorFromAnswer, RequestError } from "./request-error.ts";
import { createRequestKeys } from "./request-keys.ts";

/** Notified about every response. */
export interface Listener {
  /** The server's time of the response, in milliseconds; null if it had none. */
  answered: (serverTime: number | null) => void;
  /** The session has ended, or never existed. */
  unauthorized: () => void;
}

interface CallOptions {
  body?: object;
  prefer?: string;
  /**
   * Whether the request has an `Idempotency-Key`: one of its own at each call, or the same one until an answer arrives, so
   * that a person who repeats it after its answer was lost causes it once.
   */
  keyed?: "each call" | "until answered";
}

/** A 2xx. */
export interface Answer {
  status: number;
  /** The JSON body, or null if it is not JSON. */
  body: unknown;
  /** The server waited as `Prefer` asked. */
  isPreferenceApplied: boolean;
}

/** Rejects with a `RequestError` unless the status is 2xx. */
export type Call = (method: string, path: string, options?: CallOptions) => Promise<Answer>;

const timeoutMs = 40_000;

/** Sends the page's requests; the browser adds the session cookie. */
export function createCall(fetchFrom: typeof fetch, listener: Listener): Call {
  const keys = createRequestKeys();
  return async (method, path, { body, prefer, keyed } = {}) => {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (prefer) headers.Prefer = prefer;
    const name = `${method} ${path} ${JSON.stringify(body)}`;
    if (keyed === "each call") keys.settle(name);
    if (keyed) headers["Idempotency-Key"] = keys.keyOf(name);
    const response = await request(fetchFrom, path, {
      ...{ method, headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    // After a 5xx nobody knows whether the request was accepted.
    if (response.status < 500) keys.settle(name);
    const date = Date.parse(response.headers.get("Date") ?? "");
    listener.answered(Number.isNaN(date) ? null : date);
    const parsed: unknown = await response.json().catch(() => null);
    if (response.status === 401) listener.unauthorized();
    if (!response.ok) throw errorFromAnswer(response.status, parsed);
    const isPreferenceApplied = response.headers.has("Preference-Applied");
    return { status: response.status, body: parsed, isPreferenceApplied };
  };
}

async function request(fetchFrom: typeof fetch, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetchFrom(path, { ...init, signal: AbortSignal.timeout(timeoutMs) });
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
