import type { IncomingHttpHeaders } from "node:http";

/** The origin of the real web client, which Baileys sends too. */
const clientOrigin = "https://web.whatsapp.com";
const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** Whether a `Host` header names this machine. A page whose own name resolves to 127.0.0.1 (DNS rebinding) names itself. */
export function isLoopbackHost(host: string | undefined): boolean {
  return loopbackHost.test(host ?? "");
}

/**
 * Whether a websocket may be opened with these headers. Browsers do not keep a page from connecting to another host, but
 * always send the page's `Origin`; programs need not send one.
 */
export function mayUpgrade({ host, origin }: IncomingHttpHeaders): boolean {
  return isLoopbackHost(host) && (origin === undefined || origin === clientOrigin);
}
