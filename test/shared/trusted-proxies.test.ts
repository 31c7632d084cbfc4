import { describe, expect, test } from "vitest";
import { clientAddress, clientScheme, countedAddress } from "#shared/trusted-proxies.ts";

const peer = "10.0.0.1";

describe("the client's address", () => {
  test.each([
    ["is the connection's without a proxy, whatever the header claims", 0, "203.0.113.7", peer],
    ["is the last entry behind one proxy", 1, "198.51.100.1, 203.0.113.7", "203.0.113.7"],
    ["is the last but one behind two", 2, "198.51.100.1,203.0.113.7, 10.0.0.2", "203.0.113.7"],
    ["is the first of a list that is shorter than the number of proxies", 3, "203.0.113.7", "203.0.113.7"],
    ["is the connection's when the proxy sent no header", 1, undefined, peer],
    ["is the connection's when the entry is no address", 1, "203.0.113.7, unknown", peer],
    ["is the connection's when the entry is empty", 1, "203.0.113.7,", peer],
    ["has no port", 1, "203.0.113.7:4711", "203.0.113.7"],
    ["has no brackets", 1, "[2001:db8::7]:4711", "2001:db8::7"],
    ["is IPv4 when it is mapped into IPv6", 1, "::ffff:203.0.113.7", "203.0.113.7"],
  ])("%s", (_what, proxies, header, address) => {
    expect(clientAddress(peer, header, proxies)).toBe(address);
  });

  test("of a connection over IPv6 to an IPv4 port is IPv4", () => {
    expect(clientAddress("::ffff:203.0.113.7", undefined, 0)).toBe("203.0.113.7");
  });
});

test.each([
  ["ignored without a proxy", 0, "https", "http"],
  ["taken from the proxy", 1, "HTTPS", "https"],
  ["taken from the outermost trusted proxy", 2, "HTTPS, http", "https"],
  ["not taken from the client", 1, "https, http", "http"],
  ["our own without the header", 1, undefined, "http"],
  ["our own with an empty one", 1, "", "http"],
])("the forwarded scheme is %s", (_what, proxies, header, scheme) => {
  expect(clientScheme("http", header, proxies)).toBe(scheme);
});

test("the addresses of one IPv6 network are counted as one, IPv4 addresses each", () => {
  expect(countedAddress("2001:db8:0:7::1")).toBe(countedAddress("2001:db8:0:7:ffff::9"));
  expect(countedAddress("2001:db8:0:7::1")).not.toBe(countedAddress("2001:db8:0:8::1"));
  expect(countedAddress("203.0.113.7")).toBe("203.0.113.7");
});
