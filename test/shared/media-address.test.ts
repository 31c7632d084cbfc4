import { expect, test } from "vitest";
import { isAllowedHost, isPublicAddress, mediaAddressProblem } from "#shared/media-address.ts";

const notWeb = "must be an http or https URL";
const hasUser = "must not contain a user name or password";
const otherPort = "must use port 80 or 443";
const isPrivate = "must not point to a private address";

test.each([
  "https://example.com/image.jpg",
  "http://example.com/image.jpg",
  "https://example.com:443/",
  "https://example.com:80/",
  "http://example.com:443/",
  "https://8.8.8.8/",
  "https://[2606:4700::1111]/",
  "https://müller.example/ä.png",
  "HTTPS://EXAMPLE.COM/",
])("%s may be fetched", (text) => {
  expect(mediaAddressProblem(text, [])).toBeNull();
});

test.each([
  ["", notWeb],
  ["image.jpg", notWeb],
  ["//example.com/", notWeb],
  ["ftp://example.com/", notWeb],
  ["file:///etc/passwd", notWeb],
  ["data:image/png;base64,AAAA", notWeb],
  ["javascript:alert(1)", notWeb],
  ["ws://example.com/", notWeb],
  ["http://", notWeb],
  ["http://256.256.256.256/", notWeb],
  ["https://user@example.com/", hasUser],
  ["https://user:word@example.com/", hasUser],
  ["https://:word@example.com/", hasUser],
  ["https://127.0.0.1@example.com/", hasUser],
  ["https://example.com:8443/", otherPort],
  ["http://example.com:22/", otherPort],
  ["http://localhost/", isPrivate],
  ["http://LOCALHOST/", isPrivate],
  ["http://localhost./", isPrivate],
  ["http://a.localhost/", isPrivate],
  ["http://metadata/", isPrivate],
  ["http://127.0.0.1/", isPrivate],
  ["http://127.1/", isPrivate],
  ["http://2130706433/", isPrivate],
  ["http://0x7f000001/", isPrivate],
  ["http://0177.0.0.1/", isPrivate],
  ["http://127.0.0.1./", isPrivate],
  ["http://①②⑦.0.0.1/", isPrivate],
  ["http://0/", isPrivate],
  ["http://169.254.169.254/latest/meta-data", isPrivate],
  ["http://10.0.0.1/", isPrivate],
  ["http://[::1]/", isPrivate],
  ["http://[::]/", isPrivate],
  ["http://[::ffff:127.0.0.1]/", isPrivate],
  ["http://[::ffff:a9fe:a9fe]/", isPrivate],
  ["http://[::127.0.0.1]/", isPrivate],
  ["http://[64:ff9b::7f00:1]/", isPrivate],
  ["http://[2002:7f00:1::]/", isPrivate],
  ["http://[fe80::1]/", isPrivate],
  ["http://[fd00::1]/", isPrivate],
])("%j is refused: %s", (text, problem) => {
  expect(mediaAddressProblem(text, [])).toBe(problem);
});

test("an allowed host may be private, on its listed port or on any port if listed without one", () => {
  expect(mediaAddressProblem("http://127.0.0.1:9000/", ["127.0.0.1:9000"])).toBeNull();
  expect(mediaAddressProblem("http://127.0.0.1:9001/", ["127.0.0.1:9000"])).toBe(otherPort);
  expect(mediaAddressProblem("http://127.0.0.1/", ["127.0.0.1:9000"])).toBe(isPrivate);
  expect(mediaAddressProblem("http://media:9001/", ["media"])).toBeNull();
  expect(mediaAddressProblem("http://[::1]:9000/", ["[::1]:9000"])).toBeNull();
  expect(mediaAddressProblem("http://[::1]:9000/", ["[::1]"])).toBeNull();
});

test("an allowed host allows no other host, scheme, user name or password", () => {
  const allowed = ["media", "example.com:9000"];
  expect(mediaAddressProblem("http://media.evil.localhost/", allowed)).toBe(isPrivate);
  expect(mediaAddressProblem("http://other.media/", allowed)).toBeNull();
  expect(mediaAddressProblem("http://other.media:9000/", allowed)).toBe(otherPort);
  expect(mediaAddressProblem("http://media@127.0.0.1/", allowed)).toBe(hasUser);
  expect(mediaAddressProblem("http://user@media/", allowed)).toBe(hasUser);
  expect(mediaAddressProblem("ftp://media/", allowed)).toBe(notWeb);
});

test("the default port of the scheme counts as the host's port", () => {
  expect(isAllowedHost(new URL("http://media/"), ["media:80"])).toBe(true);
  expect(isAllowedHost(new URL("https://media/"), ["media:443"])).toBe(true);
  expect(isAllowedHost(new URL("https://media/"), ["media:80"])).toBe(false);
  expect(isAllowedHost(new URL("http://MEDIA/"), ["media"])).toBe(true);
  expect(isAllowedHost(new URL("http://media/"), [])).toBe(false);
});

test.each([
  "1.1.1.1",
  "172.15.255.255",
  "172.32.0.1",
  "192.167.1.1",
  "::ffff:8.8.8.8",
  "2606:4700::1111",
  "2a00::1",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ["this network", "0.0.0.0", "0.1.2.3"],
  ["private", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
  ["shared by carriers", "100.64.0.1", "100.127.255.255"],
  ["loopback", "127.0.0.1", "127.255.255.254", "::1"],
  ["link-local", "169.254.169.254", "fe80::1", "febf::1"],
  ["protocol assignments", "192.0.0.1", "192.0.0.170"],
  ["documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
  ["benchmarking", "198.18.0.1", "198.19.255.255", "2001:2::1"],
  ["multicast", "224.0.0.1", "239.255.255.255", "ff02::1"],
  ["reserved and broadcast", "240.0.0.1", "255.255.255.255"],
  ["unspecified", "::"],
  ["unique local", "fc00::1", "fd12:3456::1"],
  ["site-local", "fec0::1"],
  ["IPv4-mapped and IPv4-compatible", "::ffff:10.0.0.1", "::ffff:7f00:1", "::10.0.0.1", "::ffff:0:10.0.0.1"],
  ["translated", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:a00:1::1"],
  ["unusual spellings", "127.1", "0177.0.0.1", "0x7f.0.0.1"],
  ["not an address", "", "example.com", "1.2.3.4.5", "[::1]", "fe80::1%eth0"],
])("addresses of this kind are not public: %s", (_, ...addresses) => {
  for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
});
