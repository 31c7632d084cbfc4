/** Reads what a request says about its client when `TRUST_PROXY` proxies stand in front of the process. */

import ipaddr from "ipaddr.js";

/**
 * Returns the client's address. Each proxy appends the address that called it to `X-Forwarded-For`, so the outermost
 * trusted proxy wrote the entry at position `proxies` from the right. Whatever stands to its left is the client's own
 * claim. Without a usable entry, it is the address of the connection.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, proxies: number): string {
  const entry = trustedEntry(forwardedFor, proxies);
  return addressIn(entry ?? "") ?? addressIn(peer) ?? peer;
}

/** Returns the scheme, such as `https`, in which the client called the outermost trusted proxy, or else `own`. */
export function clientScheme(own: string, forwardedProto: string | undefined, proxies: number): string {
  return trustedEntry(forwardedProto, proxies)?.toLowerCase() || own;
}

/**
 * Returns the part of an address that limits count by. Whoever has one IPv6 address has the 2⁶⁴ of its network, so these
 * count as one.
 */
export function countedAddress(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  return `${ipaddr.IPv6.parse(address)
    .parts.slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
}

/** Not every proxy appends to `X-Forwarded-Proto`, so a shorter list has the client's side on its left, too. */
function trustedEntry(header: string | undefined, proxies: number): string | undefined {
  if (proxies === 0 || header === undefined) return undefined;
  const entries = header.split(",").map((entry) => entry.trim());
  return entries.at(-proxies) ?? entries[0];
}

/** Some proxies append the port. An IPv4 address that is mapped into IPv6 is the same client's as the address itself. */
function addressIn(entry: string): string | null {
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : null;
}
