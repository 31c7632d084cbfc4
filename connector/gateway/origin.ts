import type { IncomingHttpHeaders } from "node:http";

/**
 * Returns why a handshake is refused, judging by the origin that the browser states; null if it is allowed.
 *
 * A page of another origin cannot make a request whose response it can read, nor open a WebSocket, without an `Origin`.
 * So a request without one is from a program, from our own page polling (browsers omit `Origin` on same-origin GETs),
 * or from a page that cannot read the response; `Sec-Fetch-Site`, where the browser sends it, distinguishes the last
 * two. The only exception, a script tag that requests JSONP, is refused by `isScriptRequest`.
 * `Host` is compared without the scheme, which a proxy in front may have changed.
 */
export function originProblem(headers: IncomingHttpHeaders, origins: readonly string[]): string | null {
  const { origin, host } = headers;
  if (origin !== undefined) return isOwn(origin, host) || origins.includes(origin) ? null : problem;
  const site = headers["sec-fetch-site"];
  return site === undefined || site === "same-origin" || site === "none" ? null : problem;
}

/** Whether engine.io would respond with a script (`&j=…`), which any page may run. */
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
