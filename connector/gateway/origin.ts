import type { IncomingHttpHeaders } from "node:http";

/**
 * Why a handshake may not go on, judged by where a browser says it comes from; null when nothing speaks against it.
 *
 * A page of another origin cannot make a request whose answer it can read, nor a WebSocket, without an `Origin`. So
 * without one it is a program, or our own page polling (browsers leave `Origin` out of same-origin GETs), or a request
 * whose answer its page cannot read; `Sec-Fetch-Site`, where the browser sends it, tells the last two apart. The one
 * way round that rule, a script tag that asks for JSONP, is refused by `isScriptRequest`.
 * `Host` is compared without the scheme, which a proxy in front may have changed.
 */
export function originProblem(headers: IncomingHttpHeaders, origins: readonly string[]): string | null {
  const { origin, host } = headers;
  if (origin !== undefined) return isOwn(origin, host) || origins.includes(origin) ? null : problem;
  const site = headers["sec-fetch-site"];
  return site === undefined || site === "same-origin" || site === "none" ? null : problem;
}

/** Whether engine.io would answer with a script (`&j=…`), which any page may run. */
export function isScriptRequest(url: string | undefined): boolean {
  return URL.parse(url ?? "", "http://localhost")?.searchParams.has("j") ?? true;
}

const problem = "This origin is not allowed; see FRONTEND_URL";

function isOwn(origin: string, host: string | undefined): boolean {
  const url = URL.parse(origin);
  return url !== null && /^https?:$/.test(url.protocol) && url.host === withoutDefaultPort(url, host);
}

function withoutDefaultPort(origin: URL, host: string | undefined): string | undefined {
  return URL.parse(`${origin.protocol}//${host ?? ""}`)?.host;
}
