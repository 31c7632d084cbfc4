import { createApi } from "#functions/console/api.ts";

/** One request that the server received. */
export interface Call {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

type Route = (call: Call) => Response | Promise<Response>;

/** An API whose server is a function, with the requests it received and what it reported to the page. */
export function apiWith(answer: Route) {
  const calls: Call[] = [];
  const times: (number | null)[] = [];
  const ends: "unauthorized"[] = [];
  const fetchFrom: typeof fetch = async (input, init) => {
    const request = new Request(new URL(String(input), "http://page.test"), init);
    const text = await request.text();
    const call = {
      method: request.method,
      path: String(input),
      headers: Object.fromEntries(request.headers),
      body: text === "" ? null : JSON.parse(text),
    };
    calls.push(call);
    return await answer(call);
  };
  const listener = {
    answered: (at: number | null) => void times.push(at),
    unauthorized: () => void ends.push("unauthorized"),
  };
  return { api: createApi(fetchFrom, listener), calls, times, ends };
}

export function ok(body: object, headers: Record<string, string> = {}): Response {
  return Response.json({ ok: true, ...body }, { headers });
}

/** A 202; `Preference-Applied` says that the server waited. */
export function accepted(body: object, headers: Record<string, string> = {}): Response {
  return Response.json({ ok: true, ...body }, { status: 202, headers });
}

export function failure(status: number, code: string): Response {
  return Response.json({ ok: false, error: { code, message: `It is ${code}` } }, { status });
}
