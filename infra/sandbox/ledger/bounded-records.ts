/** Records by key, oldest first, at most `max`. The oldest are dropped first; `forgotten` counts them. */
export class BoundedRecords<T> {
  readonly #byKey = new Map<string, T>();
  readonly #max: number;
  #forgotten = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** The record with this key, created if there is none. */
  ensure(key: string, make: () => T): T {
    const known = this.#byKey.get(key);
    if (known) return known;
    const made = make();
    this.#byKey.set(key, made);
    for (const oldest of this.#byKey.keys()) {
      if (this.#byKey.size <= this.#max) break;
      this.#byKey.delete(oldest);
      this.#forgotten += 1;
    }
    return made;
  }

  values(): T[] {
    return [...this.#byKey.values()];
  }

  clear(): void {
    this.#byKey.clear();
    this.#forgotten = 0;
  }
}
