import { expect, test } from "vitest";
import { channelStatuses, createChannelSchema, statusReasons, updateChannelSchema } from "#shared/channel.ts";
import { fieldProblems } from "#shared/validation.ts";

function problemsOf(schema: typeof createChannelSchema | typeof updateChannelSchema, value: unknown) {
  const { error } = schema.safeParse(value);
  return error ? fieldProblems(error) : [];
}

const fieldsOf = (value: unknown) => problemsOf(createChannelSchema, value).map(({ field }) => field);

/** An object this many levels deep. */
function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level++) value = level % 2 ? { inner: value } : [value];
  return { inner: value };
}

test("a name is trimmed, and a phone number becomes digits", () => {
  expect(createChannelSchema.parse({ name: "My WhatsApp Business", phoneNumber: "1234567890" })).toEqual({
    name: "My WhatsApp Business",
    phoneNumber: "1234567890",
  });
  expect(createChannelSchema.parse({ name: "  x ", phoneNumber: "+1 555-123-4567" })).toEqual({
    name: "x",
    phoneNumber: "15551234567",
  });
});

test.each([
  "",
  "123456",
  "1234567890123456",
  "01234567890",
  "12345abc",
  "-15550200002",
  "+-15550200002",
  "1".repeat(10_000),
  1234567890,
  null,
  {},
])("%j is not a phone number", (phoneNumber) => {
  expect(fieldsOf({ name: "x", phoneNumber })).toEqual(["phoneNumber"]);
});

test.each([
  ["of 100 characters", "x".repeat(100), []],
  ["of 101 characters", "x".repeat(101), ["name"]],
  ["of 10,000 characters", "x".repeat(10_000), ["name"]],
  ["of 100 characters between spaces", ` ${"x".repeat(100)} `, []],
  ["that is empty", "", ["name"]],
  ["of spaces only", " \t\n", ["name"]],
  ["that is a number", 5, ["name"]],
  ["that is missing", undefined, ["name"]],
])("a name %s is accepted or refused on create and update: %#", (_, name, fields) => {
  expect(fieldsOf({ name })).toEqual(fields);
  if (name !== undefined)
    expect(problemsOf(updateChannelSchema, { name }).map(({ field }) => field)).toEqual(fields);
});

test("every unknown field is refused by name", () => {
  expect(problemsOf(createChannelSchema, { name: "x", status: "active", $where: 1 })).toEqual([
    { field: "status", message: "unknown field" },
    { field: "$where", message: "unknown field" },
  ]);
  expect(fieldsOf([])).toEqual([""]);
  expect(fieldsOf(null)).toEqual([""]);
});

test("metadata may be 8 KB as JSON, counted in bytes, and not one byte more", () => {
  const around = JSON.stringify({ a: "" }).length;
  expect(fieldsOf({ name: "x", metadata: { a: "x".repeat(8_192 - around) } })).toEqual([]);
  expect(fieldsOf({ name: "x", metadata: { a: "x".repeat(8_193 - around) } })).toEqual(["metadata"]);
  expect(fieldsOf({ name: "x", metadata: { a: "é".repeat(4_100) } })).toEqual(["metadata"]);
});

test("metadata may be 32 levels deep; more is refused without exhausting the stack", () => {
  expect(fieldsOf({ name: "x", metadata: nested(31) })).toEqual([]);
  expect(fieldsOf({ name: "x", metadata: nested(33) })).toEqual(["metadata"]);
  expect(fieldsOf({ name: "x", metadata: nested(100_000) })).toEqual(["metadata"]);
});

test("metadata keys with NUL are refused at any depth", () => {
  expect(fieldsOf({ name: "x", metadata: { "a\0b": 1 } })).toEqual(["metadata"]);
  expect(fieldsOf({ name: "x", metadata: { a: [{ "b\0": 1 }] } })).toEqual(["metadata"]);
  expect(fieldsOf({ name: "x", metadata: { a: "b\0" } })).toEqual([]);
});

test.each([
  ["an object that the driver would treat as its own type", '{"a":[{"_bsontype":"ObjectId"}]}'],
  ["a number that is not finite", '{"a":{"b":1e400}}'],
  ["a prototype", '{"__proto__":{"a":1}}'],
  ["a nested prototype", '{"a":[{"__proto__":1}]}'],
  ["a lone surrogate in a text", '{"a":"\\ud800"}'],
  ["a lone surrogate in a key", '{"a\\udc00":1}'],
])("metadata with %s is refused", (_, text) => {
  expect(fieldsOf({ name: "x", metadata: JSON.parse(text) })).toEqual(["metadata"]);
  const updated = problemsOf(updateChannelSchema, { metadata: JSON.parse(text) });
  expect(updated.map(({ field }) => field)).toEqual(["metadata"]);
});

test("a name with a lone surrogate is refused, one with a whole pair is not", () => {
  expect(fieldsOf({ name: "x\ud800" })).toEqual(["name"]);
  expect(fieldsOf({ name: "x\ud83d\ude00" })).toEqual([]);
});

test.each([[[]], ["text"], [5], [null], [true]])(
  "metadata that is not an object is refused: %j",
  (metadata) => {
    expect(fieldsOf({ name: "x", metadata })).toEqual(["metadata"]);
  },
);

test("metadata is stored unchanged, even with keys that MongoDB gives a meaning", () => {
  const metadata = { $set: 1, "a.b": { $ne: null }, list: [1, "2", null, { deep: true }] };
  expect(createChannelSchema.parse({ name: "x", metadata }).metadata).toEqual(metadata);
});

test("an update must change at least one field, and only those it may", () => {
  expect(updateChannelSchema.parse({ metadata: {} })).toEqual({ metadata: {} });
  expect(problemsOf(updateChannelSchema, {})).toEqual([
    { field: "", message: "must change at least one field" },
  ]);
  const refused = problemsOf(updateChannelSchema, { phoneNumber: "1234567890" });
  expect(refused).toEqual([{ field: "phoneNumber", message: "unknown field" }]);
});

test("every status with reasons exists, and `active` has none", () => {
  for (const status of Object.keys(statusReasons)) expect(channelStatuses).toContain(status);
  expect(Object.keys(statusReasons)).not.toContain("active");
  expect(channelStatuses).toHaveLength(7);
});
