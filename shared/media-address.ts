import ipaddr from "ipaddr.js";

/**
 * Why an address may not be fetched, as far as its spelling tells; null when nothing speaks against it.
 * `allowHosts` holds `host` or `host:port`, lower case, that may be private, plain http and on any port.
 */
export function mediaAddressProblem(text: string, allowHosts: readonly string[]): string | null {
  const url = URL.parse(text);
  if (!url || !isWeb(url)) return "must be an http or https URL";
  if (url.username || url.password) return "must not contain a user name or password";
  if (isAllowedHost(url, allowHosts)) return null;
  if (url.port !== "" && url.port !== "80" && url.port !== "443") return "must use port 80 or 443";
  if (isPrivateName(hostOf(url))) return "must not point to a private address";
  return null;
}

/** Whether the operator listed this host (`MEDIA_ALLOW_HOSTS`), with its port or for all of its ports. */
export function isAllowedHost(url: URL, allowHosts: readonly string[]): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return allowHosts.includes(url.hostname) || allowHosts.includes(`${url.hostname}:${port}`);
}

/** All of IPv6 that is given out (RFC 4291 §2.4); `::127.0.0.1` and the like would pass for unicast otherwise. */
const globalUnicast = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an IP address is one of the public internet. IPv4 mapped into IPv6 is judged by what it wraps; other wrappings
 * (NAT64, 6to4) are refused.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(globalUnicast);
}

/** WHATWG URLs have already turned `0x7f000001`, `2130706433` and the like into dotted form. */
function isPrivateName(host: string): boolean {
  if (ipaddr.isValid(host)) return !isPublicAddress(host);
  return /(^|\.)localhost\.?$/.test(host) || !host.includes(".");
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function isWeb(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}
