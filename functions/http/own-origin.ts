/**
 * Whether the request comes from one of our own pages. A page cannot forge `Sec-Fetch-Site`; without that header,
 * `Origin` must name the host of the request (the scheme may differ behind a proxy).
 */
export function isFromOwnOrigin(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = URL.parse(request.headers.get("origin") ?? "");
  return origin !== null && origin.host === (request.headers.get("host") ?? new URL(request.url).host);
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a request with this method changes nothing. */
export function isSafeMethod(method: string): boolean {
  return safeMethods.has(method);
}
