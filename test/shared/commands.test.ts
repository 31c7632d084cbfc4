import { expect, test } from "vitest";
import { type CommandType, commandTable, commandTypes, recipientSchema } from "#shared/commands.ts";
import { fieldProblems } from "#shared/validation.ts";

const content = { type: "text", text: "x" };

/** For each type, payloads it accepts unchanged, and payloads it refuses with the fields it names. */
const payloads: Record<CommandType, { good: object[]; bad: [unknown, string[]][] }> = {
  "channel.connect": {
    good: [{}, { phoneNumber: "1234567890" }],
    bad: [
      [{ phoneNumber: "12" }, ["phoneNumber"]],
      [{ phoneNumber: null }, ["phoneNumber"]],
      [{ force: true }, ["force"]],
    ],
  },
  "channel.request_pairing_code": {
    good: [{ phoneNumber: "1234567890" }],
    bad: [
      [{}, ["phoneNumber"]],
      [{ phoneNumber: "1234567890", code: "ABCDEFGH" }, ["code"]],
    ],
  },
  "channel.disconnect": { good: [{}], bad: [[{ now: true }, ["now"]]] },
  "channel.logout": { good: [{}], bad: [[{ now: true }, ["now"]]] },
  "channel.delete": { good: [{}], bad: [[{ now: true }, ["now"]]] },
  "message.send": {
    good: [
      { to: "15551234567@s.whatsapp.net", content },
      { to: "123@lid", content },
    ],
    bad: [
      [{ content }, ["to"]],
      [{ to: "15551234567" }, ["content"]],
      [{ to: "nobody", content: { type: "text" } }, ["to", "content.text"]],
      [{ to: "15551234567", content: { ...content, extra: 1 } }, ["content.extra"]],
      [{ to: "15551234567", content, message: "x", type: "text" }, ["message", "type"]],
    ],
  },
};

test.each(commandTypes)("%s accepts its payload and nothing else", (type) => {
  const { payload } = commandTable[type];
  for (const good of payloads[type].good) expect(payload.parse(good)).toEqual(good);
  const always: [unknown, string[]][] = [undefined, null, [], "text", 5].map((value) => [value, [""]]);
  for (const [value, fields] of [...payloads[type].bad, ...always]) {
    const { error } = payload.safeParse(value);
    expect(error && fieldProblems(error).map(({ field }) => field)).toEqual(fields);
  }
});

test.each([
  ["+1 555-123-4567", "15551234567@s.whatsapp.net"],
  ["15551234567", "15551234567@s.whatsapp.net"],
  ["15551234567:7@s.whatsapp.net", "15551234567@s.whatsapp.net"],
  ["123456:7@lid", "123456@lid"],
])("the recipient %s becomes %s", (to, jid) => {
  expect(recipientSchema.parse(to)).toBe(jid);
});

test.each([
  ["120363041234567890@g.us", "groups are not supported"],
  ["status@broadcast", "must be a phone number with country code, …@s.whatsapp.net or …@lid"],
  ["15551234567@constructor", "must be a phone number with country code, …@s.whatsapp.net or …@lid"],
  ["", "must be a phone number with country code, …@s.whatsapp.net or …@lid"],
])("the recipient %j is refused: %s", (to, message) => {
  expect(recipientSchema.safeParse(to).error?.issues).toMatchObject([{ message }]);
});

test("a recipient of 10,000 characters is one problem", () => {
  expect(recipientSchema.safeParse("1".repeat(10_000)).error?.issues).toHaveLength(1);
});

test("control commands, and only they, have lane 0 and a fixed time to live", () => {
  for (const type of commandTypes) {
    const { lane, ttlSeconds } = commandTable[type];
    expect(lane === 0).toBe(type.startsWith("channel."));
    expect(ttlSeconds === null).toBe(type === "message.send");
  }
});
