import { expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { fieldsIn } from "#connector/baileys/protobuf-fields.ts";

test("the fields of a message are read by number, those with a length with their bytes", () => {
  const encoded = proto.Message.encode({
    conversation: "é",
    imageMessage: { fileLength: 2 ** 40, seconds: 1 } as proto.Message.IImageMessage,
    locationMessage: { degreesLatitude: 1.5, accuracyInMeters: 3 },
  }).finish();
  expect(fieldsIn(encoded).map(({ number }) => number)).toEqual([1, 3, 5]);
  const [text, , location] = fieldsIn(encoded);
  expect(Buffer.from(text?.bytes ?? []).toString()).toBe("é");
  expect(fieldsIn(location?.bytes ?? Buffer.of(0xff))).toEqual([{ number: 1 }, { number: 7 }]);
});

test("a number of ten bytes, and one with 32 bits, are passed over", () => {
  const negative = Buffer.from("08ffffffffffffffffff01", "hex");
  const fixed = Buffer.from("2d00000000", "hex");
  expect(fieldsIn(Buffer.concat([negative, fixed]))).toEqual([{ number: 1 }, { number: 5 }]);
});

test.each(["0a05", "0aff", "ff", "0b", "2d00"])("what is no message throws: %s", (hex) => {
  expect(() => fieldsIn(Buffer.from(hex, "hex"))).toThrow(RangeError);
});
