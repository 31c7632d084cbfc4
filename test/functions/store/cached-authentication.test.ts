import { expect, test } from "vitest";
import { cachedAuthentication } from "#functions/store/cached-authentication.ts";
import type { Authentication } from "#functions/store/store.ts";
import type { Caller } from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";

const caller = (validMs: number | null): Caller => ({
  keyId: "k",
  scopes: ["admin"],
  channels: null,
  validMs,
});

function counted(find: (secret: string) => Caller): Authentication & { lookups: string[] } {
  const lookups: string[] = [];
  const lookUp = async (secret: string) => {
    lookups.push(secret);
    return find(secret);
  };
  return { lookups, byKey: lookUp, bySession: lookUp };
}

test("a cached caller is not looked up again", async () => {
  const source = counted(() => caller(60_000));
  const cached = cachedAuthentication(source);
  await cached.byKey("a");
  await cached.byKey("a");
  await cached.byKey("b");
  expect(source.lookups).toEqual(["a", "b"]);
});

test("requests that come while a caller is read share the read, and its refusal", async () => {
  let isKnown = true;
  const source = counted(() => {
    if (!isKnown) throw new ServiceError("invalid_api_key");
    return caller(null);
  });
  const cached = cachedAuthentication(source);
  await Promise.all([cached.byKey("a"), cached.byKey("a"), cached.byKey("b")]);
  expect(source.lookups).toEqual(["a", "b"]);
  isKnown = false;
  const refused = await Promise.allSettled([cached.byKey("c"), cached.byKey("c")]);
  expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(cached.byKey("c")).rejects.toThrow();
  expect(source.lookups).toEqual(["a", "b", "c", "c"]);
});

test("a session that ends while it is read is not cached", async () => {
  const source = counted(() => caller(null));
  const cached = cachedAuthentication(source);
  const reading = cached.bySession("a");
  cached.forgetSession("a");
  await reading;
  await cached.bySession("a");
  expect(source.lookups).toEqual(["a", "a"]);
});

test("a key and a session with the same text are cached apart", async () => {
  const source = counted(() => caller(null));
  const cached = cachedAuthentication(source);
  await cached.byKey("a");
  await cached.bySession("a");
  expect(source.lookups).toHaveLength(2);
});

test("a caller whose time is over is looked up again", async () => {
  const source = counted(() => caller(0));
  const cached = cachedAuthentication(source);
  await cached.byKey("a");
  await cached.byKey("a");
  expect(source.lookups).toHaveLength(2);
});

test("a refusal is not cached", async () => {
  let isKnown = false;
  const cached = cachedAuthentication(
    counted(() => {
      if (!isKnown) throw new ServiceError("invalid_api_key");
      return caller(null);
    }),
  );
  await expect(cached.byKey("a")).rejects.toMatchObject({ code: "invalid_api_key" });
  isKnown = true;
  await expect(cached.byKey("a")).resolves.toMatchObject({ keyId: "k" });
});

test("a forgotten session is looked up again", async () => {
  const source = counted(() => caller(null));
  const cached = cachedAuthentication(source);
  await cached.bySession("a");
  cached.forgetSession("a");
  await cached.bySession("a");
  expect(source.lookups).toHaveLength(2);
});

test("10,000 callers are cached, and the one that was used least recently is forgotten", async () => {
  const source = counted(() => caller(null));
  const cached = cachedAuthentication(source);
  for (let n = 0; n < 10_001; n++) await cached.byKey(`${n}`);
  source.lookups.length = 0;
  await cached.byKey("1");
  await cached.byKey("0");
  expect(source.lookups).toEqual(["0"]);
});
