/** A part of a body: first and last byte, inclusive. */
export type ByteRange = { first: number; last: number };

/**
 * Parses a `Range` header (RFC 9110 §14.2) for a body of `length` bytes. Only a single range is supported;
 * several ranges, another unit or nonsense mean the whole body, as the RFC allows.
 */
export function byteRange(header: string | undefined, length: number): ByteRange | "whole" | "unsatisfiable" {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return "whole";
  if (from === "") {
    const count = Math.min(Number(to), length);
    return count === 0 ? "unsatisfiable" : { first: length - count, last: length - 1 };
  }
  const first = Number(from);
  const last = to === "" ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== "" && Number(to) < first) return "whole";
  return first >= length ? "unsatisfiable" : { first, last };
}
