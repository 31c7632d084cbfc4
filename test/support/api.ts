/** The HTTP API as a client sees it. */
export class Api {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ) {
    const response = await fetch(`${this.#url}/api/whatsapp${path}`, {
      method,
      headers: {
        "x-api-key": this.#key,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
  }

  get = (path: string) => this.call("GET", path);
  post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    this.call("POST", path, body, headers);
}

/** The union of all routes' answers; each test reads the fields that it is about. */
interface Answer {
  ok: boolean;
  message?: string;
  channelId: string;
  status: string;
  payload: Record<string, unknown> & {
    channelId: string;
    messageId: string;
    commandId: string;
    status: string;
  };
  error: { code: string; message: string; details?: unknown; retryable?: boolean };
}
