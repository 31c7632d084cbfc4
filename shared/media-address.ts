/** The address guard of media: which URLs and IP addresses may be fetched. */

import ipaddr from "ipaddr.js";

/**
 * Why a URL must not be fetched, judged by its spelling alone; null if it may be.
 * `allowHosts` has `host` or `host:port` in lower case; these may be private and use any port.
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

/** The allocated part of IPv6 (RFC 4291 §2.4). Without it, addresses such as `::127.0.0.1` would pass as unicast. */
const globalUnicast = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an IP address is on the public internet. An IPv4-mapped IPv6 address is judged by its IPv4 address; other
 * embeddings (NAT64, 6to4) are refused.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(globalUnicast);
}

/** The WHATWG URL parser has already turned hosts such as `0x7f000001` and `2130706433` into dotted form. */
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
