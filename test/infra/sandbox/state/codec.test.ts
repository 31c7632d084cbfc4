import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeState, encodeState } from "#infra/sandbox/state/codec.ts";

const throughJson = (value: unknown) => decodeState(JSON.parse(JSON.stringify(encodeState(value))));

test("JSON values and bytes at any depth survive encoding and decoding", () => {
  const bytes = fc.uint8Array().map((array) => Buffer.from(array));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      bytes,
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom("$bytes", "$$bytes", "__proto__", "type")),
        tie("value"),
        {
          maxKeys: 4,
          noNullPrototype: true,
        },
      ),
    ),
  }));
  fc.assert(
    fc.property(value, (state) => {
      expect(throughJson(state)).toEqual(state);
    }),
  );
});

test("typed arrays are decoded as Buffers", () => {
  const back = throughJson({ key: new Uint8Array([1, 2, 255]) }) as { key: unknown };
  expect(Buffer.isBuffer(back.key)).toBe(true);
  expect(back).toEqual({ key: Buffer.of(1, 2, 255) });
});

test("an object that looks like encoded bytes stays an object", () => {
  expect(throughJson({ $bytes: "AQI=" })).toEqual({ $bytes: "AQI=" });
});

test("encoding refuses values that JSON would lose silently", () => {
  expect(() => encodeState({ people: new Map() })).toThrow(TypeError);
  expect(() => encodeState([1n])).toThrow(TypeError);
});
