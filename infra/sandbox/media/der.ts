/**
 * Just enough of DER to write an X.509 certificate (ITU-T X.690): every function returns one finished
 * element, so a structure is written as nested calls.
 */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `SEQUENCE { … }` */
export const sequence = (...elements: Buffer[]): Buffer => element(tags.sequence, ...elements);

/** `SET { … }`; DER wants the elements of a set sorted, callers pass one. */
export const set = (only: Buffer): Buffer => element(tags.set, only);

/** `TRUE`: DER leaves out a boolean that equals its default, which in X.509 is always false. */
export const yes = (): Buffer => element(tags.boolean, Buffer.of(0xff));

/** `INTEGER` from unsigned big-endian bytes: leading zeros go, one comes back if the first bit is set. */
export function integer(unsigned: Uint8Array): Buffer {
  const first = unsigned.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.of(0) : Buffer.from(unsigned.subarray(first));
  return (digits[0] ?? 0) < 0x80
    ? element(tags.integer, digits)
    : element(tags.integer, Buffer.of(0), digits);
}

/** `BIT STRING`; `unusedBits` is how many low bits of the last byte do not count. */
export const bitString = (bytes: Buffer, unusedBits = 0): Buffer =>
  element(tags.bitString, Buffer.of(unusedBits), bytes);

/** `OCTET STRING` */
export const octetString = (bytes: Buffer): Buffer => element(tags.octetString, bytes);

/** `UTF8String` */
export const utf8String = (text: string): Buffer => element(tags.utf8String, Buffer.from(text, "utf8"));

/** `OBJECT IDENTIFIER` from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A certificate's time, to the second: `UTCTime` before 2050, `GeneralizedTime` from then on (RFC 5280 §4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  if (date.getUTCFullYear() >= 2050) return element(tags.generalizedTime, Buffer.from(digits, "ascii"));
  return element(tags.utcTime, Buffer.from(digits.slice(2), "ascii"));
}

/** `[number] EXPLICIT`: wraps a whole element. */
export const explicit = (number: number, inner: Buffer): Buffer => element(0xa0 | number, inner);

/** `[number] IMPLICIT` of a primitive type: the content without its own tag. */
export const implicit = (number: number, content: Buffer): Buffer => element(0x80 | number, content);

function element(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(body.length)]), body]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(arc: number): number[] {
  const octets = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
