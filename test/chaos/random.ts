/** Pseudo-random numbers, the same for the same seed on every machine. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** At least `from`, less than `to`. */
  between(from: number, to: number): number;
  /** At least 0, less than `count`. */
  index(count: number): number;
  pick<T>(items: readonly [T, ...T[]]): T;
  shuffled<T>(items: readonly T[]): T[];
}

/** A linear congruential generator with a permuted output, as in PCG but in 32 bits: good enough for schedules. */
export function seeded(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x45d9f3b);
    mixed ^= mixed >>> 16;
    return (mixed >>> 0) / 2 ** 32;
  };
  const index = (count: number) => Math.floor(next() * count);
  return {
    next,
    index,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => items[index(items.length)] ?? items[0],
    shuffled(items) {
      const result = [...items];
      for (let at = result.length - 1; at > 0; at--) {
        const other = index(at + 1);
        const [a, b] = [result[at], result[other]];
        if (a !== undefined && b !== undefined) [result[at], result[other]] = [b, a];
      }
      return result;
    },
  };
}
