import { expect, test } from "vitest";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { readConfig } from "#shared/config.ts";

test("a new key has 32 random bytes in header-safe characters, and no two are alike", () => {
  const keys = Array.from({ length: 1_000 }, newApiKey);
  for (const key of keys) {
    expect(key).toMatch(/^wp_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(key.slice(3), "base64url")).toHaveLength(32);
  }
  expect(new Set(keys).size).toBe(1_000);
});

test("a new key is a valid API_KEY", () => {
  const key = newApiKey();
  expect(readConfig({ API_KEY: key }, "embedded").apiKey).toBe(key);
});

test("a secret is hashed to its SHA-256 in hex", () => {
  // FIPS 180-2, appendix B.1.
  expect(hashSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
