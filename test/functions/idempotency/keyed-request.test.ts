import fc from "fast-check";
import { expect, test } from "vitest";
import { requestHash } from "#functions/idempotency/keyed-request.ts";

/** The same value with the fields of every object in reverse order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}
const hashOf = (body: unknown) => requestHash("id", "", JSON.stringify(body));

test("the hash ignores the order of fields at every depth", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (body) => {
      expect(await hashOf(turned(body))).toBe(await hashOf(body));
    }),
  );
});

test("two different bodies have different hashes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (one, two) => {
      const [a, b] = [one, two].map((body) => JSON.parse(JSON.stringify(body)));
      const isSame = isDeepEqual(a, b);
      expect((await hashOf(a)) === (await hashOf(b))).toBe(isSame);
    }),
  );
});

test("the hash depends on the order of a list, the query and the id of the request", async () => {
  const hashes = await Promise.all([
    requestHash("id", "", "[1,2]"),
    requestHash("id", "", "[2,1]"),
    requestHash("id", "?a=1", "[1,2]"),
    requestHash("another", "", "[1,2]"),
    requestHash("id", "", '["1",2]'),
  ]);
  expect(new Set(hashes).size).toBe(5);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
});

function isDeepEqual(one: unknown, two: unknown): boolean {
  try {
    expect(one).toEqual(two);
    return true;
  } catch {
    return false;
  }
}
