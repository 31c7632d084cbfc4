import { describe, expect, test } from "vitest";
import { isScriptRequest, originProblem } from "#connector/gateway/origin.ts";

const listed = ["https://app.example.com"];

describe("a handshake is allowed", () => {
  test.each([
    ["from a program", {}],
    ["from our page", { origin: "http://localhost:3000" }],
    [
      "from our page behind a proxy that terminates TLS",
      { origin: "https://way.example", host: "way.example" },
    ],
    ["from our page, the proxy naming the port", { origin: "https://way.example", host: "way.example:443" }],
    ["from our page on IPv6", { origin: "http://[::1]:3000", host: "[::1]:3000" }],
    ["from a listed origin", { origin: "https://app.example.com" }],
    ["from our page's poll", { "sec-fetch-site": "same-origin" }],
    ["from the address bar", { "sec-fetch-site": "none" }],
  ])("%s", (_what, headers) => {
    expect(originProblem({ host: "localhost:3000", ...headers }, listed)).toBeNull();
  });
});

describe("a handshake is refused", () => {
  test.each([
    ["from another site", { origin: "https://evil.example" }],
    ["from another port", { origin: "http://localhost:8080" }],
    ["from a listed host by another scheme", { origin: "http://app.example.com" }],
    ["from a subdomain of a listed host", { origin: "https://x.app.example.com" }],
    ["from a host that begins like a listed one", { origin: "https://app.example.com.evil.example" }],
    ["from an opaque origin", { origin: "null" }],
    ["from an empty origin", { origin: "" }],
    ["from a file", { origin: "file://localhost:3000" }],
    ["from an extension", { origin: "chrome-extension://localhost:3000" }],
    ["without a host", { origin: "http://localhost:3000", host: undefined }],
    ["from another site, without an Origin", { "sec-fetch-site": "cross-site" }],
    ["from a sibling site, without an Origin", { "sec-fetch-site": "same-site" }],
  ])("%s", (_what, headers) => {
    expect(originProblem({ host: "localhost:3000", ...headers }, listed)).not.toBeNull();
  });
});

test.each([
  ["/socket.io/?EIO=4&transport=polling", false],
  ["/socket.io/?EIO=4&transport=polling&j=0", true],
  ["/socket.io/?EIO=4&transport=polling&%6a=0", true],
  [undefined, false],
])("the request %s asks for a script: %s", (url, isScript) => {
  expect(isScriptRequest(url)).toBe(isScript);
});
