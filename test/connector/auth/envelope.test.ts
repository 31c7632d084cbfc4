import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createDataKey,
  masterKeyId,
  seal,
  unseal,
  unwrapDataKey,
  wrapDataKey,
} from "#connector/auth/envelope.ts";

test("any sealed value opens again", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, rowId) => {
      const key = createDataKey();
      expect(unseal(key, rowId, seal(key, rowId, Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

test("a sealed value does not open in another row, with another key, or with one bit changed", () => {
  const key = createDataKey();
  const sealed = seal(key, "c/session/a", Buffer.from("secret"));
  expect(() => unseal(key, "c/session/b", sealed)).toThrow(expect.objectContaining({ fault: "unreadable" }));
  expect(() => unseal(createDataKey(), "c/session/a", sealed)).toThrow(
    expect.objectContaining({ fault: "unreadable" }),
  );
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => unseal(key, "c/session/a", changed)).toThrow(
      expect.objectContaining({ fault: "unreadable" }),
    );
  }
});

test("the same value is never sealed the same way twice", () => {
  const key = createDataKey();
  expect(seal(key, "row", Buffer.from("x"))).not.toEqual(seal(key, "row", Buffer.from("x")));
});

test("a data key wrapped by an older master key unwraps as long as that key is given", () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const dataKey = createDataKey();
  const wrapped = wrapDataKey(dataKey, [old], "row");
  expect(unwrapDataKey(wrapped, [fresh, old], "row")).toEqual(dataKey);
  expect(() => unwrapDataKey(wrapped, [fresh], "row")).toThrow(
    expect.objectContaining({ fault: "unknown_master_key" }),
  );
});

test("wrapping uses the newest master key and fails without one", () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  expect(wrapDataKey(createDataKey(), [fresh, old], "row").masterKeyId).toBe(masterKeyId(fresh));
  expect(() => wrapDataKey(createDataKey(), [], "row")).toThrow("ENCRYPTION_KEY");
});

test("the name of a master key contains no part of it", () => {
  const key = randomBytes(32);
  expect(key.toString("hex")).not.toContain(masterKeyId(key));
});
