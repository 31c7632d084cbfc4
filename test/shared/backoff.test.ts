import fc from "fast-check";
import { expect, test } from "vitest";
import { type Backoff, backoffMs } from "#shared/backoff.ts";

const backoffs = fc
  .record({ baseMs: fc.integer({ min: 1, max: 10_000 }), factor: fc.integer({ min: 1, max: 1_000 }) })
  .map(({ baseMs, factor }): Backoff => ({ baseMs, maxMs: baseMs * factor }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.integer({ min: 0, max: 100_000 });

test("a pause is between a tenth and the whole of the doubled base, and under the cap", () => {
  fc.assert(
    fc.property(backoffs, attempts, random, (backoff, attempt, chance) => {
      const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** attempt);
      const delay = backoffMs(backoff, attempt, chance);
      expect(delay).toBeGreaterThanOrEqual(Math.floor(ceiling / 10));
      expect(delay).toBeLessThanOrEqual(ceiling);
    }),
  );
});

test("a pause never shrinks with one more attempt and the same random value", () => {
  fc.assert(
    fc.property(backoffs, attempts, random, (backoff, attempt, chance) => {
      expect(backoffMs(backoff, attempt + 1, chance)).toBeGreaterThanOrEqual(
        backoffMs(backoff, attempt, chance),
      );
    }),
  );
});
