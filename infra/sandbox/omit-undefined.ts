/** Removes the undefined properties of an object. */

/** Optional properties that are absent or have a value (`exactOptionalPropertyTypes`). */
export type WithoutUndefined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Under `exactOptionalPropertyTypes` an option that is `undefined` is not an absent one. */
export function omitUndefined<T extends object>(options: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as WithoutUndefined<T>;
}
