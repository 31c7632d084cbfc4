const keyBytes = 32;

/*
 * Computes on public points of the Edwards form of Curve25519, where node:crypto has no operation. Nothing here takes constant
 * time, so no secret may enter: node:crypto multiplies by secrets.
 */

/** The prime of Curve25519. */
const p = 2n ** 255n - 19n;
/** The curve's d, -121665/121666, and the square root of -1. */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const rootOfMinusOne = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const signBit = 1n << 255n;

/** A point in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
export interface Point {
  x: bigint;
  y: bigint;
  z: bigint;
  t: bigint;
}

const modulo = (value: bigint) => {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
};

/** The number in little-endian bytes, and back. */
export function numberFrom(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

export function bytesOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * keyBytes, "0"), "hex").reverse();
}

/** Decodes an Ed25519 public key. Throws when it is no point. */
export function decodePoint(bytes: Uint8Array): Point {
  const encoded = numberFrom(bytes);
  const y = modulo(encoded & (signBit - 1n));
  const square = (y * y) % p;
  const root = rootOfRatio(modulo(square - 1n), modulo(d * square + 1n));
  const isOdd = (encoded & signBit) !== 0n;
  const x = ((root & 1n) === 1n) === isOdd ? root : modulo(-root);
  return { x, y, z: 1n, t: (x * y) % p };
}

export function encodePoint({ x, y, z }: Point): Buffer {
  const inverse = inverseOf(z);
  const isOdd = ((x * inverse) % p) & 1n;
  return bytesOf(((y * inverse) % p) | (isOdd << 255n));
}

/** The sum of two points, the same point twice included (RFC 8032, 5.1.4). */
export function addPoints(one: Point, other: Point): Point {
  const a = ((one.y - one.x) * (other.y - other.x)) % p;
  const b = ((one.y + one.x) * (other.y + other.x)) % p;
  const c = (((2n * d * one.t) % p) * other.t) % p;
  const e = b - a;
  const dd = (2n * one.z * other.z) % p;
  const [f, g, h] = [dd - c, dd + c, b + a];
  return { x: modulo(e * f), y: modulo(g * h), z: modulo(f * g), t: modulo(e * h) };
}

/** The y of the two Edwards points of a Curve25519 key's u: (u - 1) / (u + 1). As a public key, it means the even x. */
export function edwardsKey(publicKey: Uint8Array): Buffer {
  const u = numberFrom(publicKey) & (signBit - 1n);
  return bytesOf(modulo((u - 1n) * inverseOf(modulo(u + 1n))));
}

/** The square root of u / v. Throws when there is none. */
function rootOfRatio(u: bigint, v: bigint): bigint {
  const v3 = (((v * v) % p) * v) % p;
  const v7 = (((v3 * v3) % p) * v) % p;
  const root = (((u * v3) % p) * powers((u * v7) % p).root) % p;
  const square = (((root * root) % p) * v) % p;
  if (square === u) return root;
  if (square === modulo(-u)) return (root * rootOfMinusOne) % p;
  throw new Error("The key is no point of the curve");
}

function inverseOf(number: bigint): bigint {
  const { root, cube } = powers(number);
  return (squared(root, 3) * cube) % p;
}

/** x to the power (p - 5) / 8, which is 2^252 - 3, and x³, with the fewest multiplications. */
function powers(x: bigint): { root: bigint; cube: bigint } {
  const cube = (((x * x) % p) * x) % p;
  const four = (squared(cube, 2) * cube) % p;
  const five = (squared(four, 1) * x) % p;
  const ten = (squared(five, 5) * five) % p;
  const twenty = (squared(ten, 10) * ten) % p;
  const forty = (squared(twenty, 20) * twenty) % p;
  const eighty = (squared(forty, 40) * forty) % p;
  const most = (squared((squared(eighty, 80) * eighty) % p, 80) * eighty) % p;
  const all = (squared(most, 10) * ten) % p;
  return { root: (squared(all, 2) * x) % p, cube };
}

/** Squares `times` times. */
function squared(number: bigint, times: number): bigint {
  let square = number;
  for (let left = times; left > 0; left--) square = (square * square) % p;
  return square;
}
