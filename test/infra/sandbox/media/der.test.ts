import { expect, test } from "vitest";
import {
  bitString,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
  yes,
} from "#infra/sandbox/media/der.ts";

const hex = (bytes: Buffer) => bytes.toString("hex");

test("writes integers with the fewest bytes and never as negative numbers", () => {
  expect(hex(integer(Buffer.of(0)))).toBe("020100");
  expect(hex(integer(Buffer.of(0, 0, 5)))).toBe("020105");
  expect(hex(integer(Buffer.of(0x80)))).toBe("02020080");
});

test("writes object identifiers in base 128", () => {
  expect(hex(oid("1.2.840.10045.4.3.2"))).toBe("06082a8648ce3d040302");
  expect(hex(oid("2.5.29.17"))).toBe("0603551d11");
});

test("writes lengths over 127 with a length of their own", () => {
  expect(hex(octetString(Buffer.alloc(127)).subarray(0, 2))).toBe("047f");
  expect(hex(octetString(Buffer.alloc(128)).subarray(0, 3))).toBe("048180");
  expect(hex(octetString(Buffer.alloc(65536)).subarray(0, 5))).toBe("0483010000");
});

test("writes years before 2050 with two digits and later ones with four", () => {
  expect(time(new Date("2049-12-31T23:59:59.999Z")).toString("latin1")).toBe("\x17\x0d491231235959Z");
  expect(time(new Date("2050-01-01T00:00:00Z")).toString("latin1")).toBe("\x18\x0f20500101000000Z");
});

test("nests elements", () => {
  expect(hex(sequence(yes(), set(utf8String("a"))))).toBe("30080101ff31030c0161");
  expect(hex(explicit(3, bitString(Buffer.of(6), 1)))).toBe("a30403020106");
  expect(hex(implicit(2, Buffer.from("a")))).toBe("820161");
});
