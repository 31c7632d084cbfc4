/** Optional properties that are absent or have a value (`exactOptionalPropertyTypes`). */
export type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what was not given: an option that is `undefined` is not an absent one. */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
