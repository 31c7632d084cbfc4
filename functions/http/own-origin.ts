/**
 * Whether a browser says that the request comes from a page of ours. `Sec-Fetch-Site` cannot be written by a page; where
 * a browser lacks it, `Origin` must name the host that was called (the scheme may differ behind a proxy).
 */
export function isFromOwnOrigin(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = URL.parse(request.headers.get("origin") ?? "");
  return origin !== null && origin.host === (request.headers.get("host") ?? new URL(request.url).host);
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether the request can change nothing, by its method. */
export function isSafeMethod(method: string): boolean {
  return safeMethods.has(method);
}
