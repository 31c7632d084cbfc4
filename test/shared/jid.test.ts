import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isSameAddress,
  jidUser,
  normaliseJid,
  parseAddress,
  parsePhoneNumber,
  phoneNumberOf,
} from "#shared/jid.ts";

const digitsOf = (most: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: most }).map((digits) => digits.join(""));
const phoneNumbers = fc
  .tuple(fc.integer({ min: 1_000_000, max: 9_999_999 }), digitsOf(8))
  .map(([first, rest]) => `${first}${rest}`);
const lids = fc.tuple(fc.integer({ min: 1, max: 9 }), digitsOf(15)).map(([first, rest]) => `${first}${rest}`);
const devices = fc.option(fc.integer({ min: 0, max: 99 }), { nil: null });

/** A person or a group, and two spellings of it. */
const spelled = fc.oneof(
  fc.tuple(phoneNumbers, phoneSpelling(), phoneSpelling()),
  fc.tuple(lids, jidSpelling("lid"), jidSpelling("hosted.lid")),
  fc.tuple(lids, jidSpelling("g.us"), jidSpelling("G.US")),
);

function phoneSpelling() {
  const written = fc
    .tuple(fc.constantFrom("", "+"), fc.constantFrom("", " ", "-", " - "), fc.integer({ min: 1, max: 6 }))
    .map(
      ([plus, gap, at]) =>
        (user: string) =>
          `${plus}${user.slice(0, at)}${gap}${user.slice(at)}`,
    );
  return fc.oneof(written, ...["s.whatsapp.net", "S.WhatsApp.Net", "c.us", "hosted"].map(jidSpelling));
}

function jidSpelling(server: string) {
  const spaces = fc.constantFrom("", " ", "\n");
  return fc.tuple(devices, spaces).map(
    ([device, space]) =>
      (user: string) =>
        `${space}${user}${device === null ? "" : `:${device}`}@${server}${space}`,
  );
}

test.each([
  ["+15551234567", "15551234567@s.whatsapp.net"],
  ["15551234567", "15551234567@s.whatsapp.net"],
  ["+1 555-123-4567", "15551234567@s.whatsapp.net"],
  ["1234567890@s.whatsapp.net", "1234567890@s.whatsapp.net"],
  ["1234567890@c.us", "1234567890@s.whatsapp.net"],
  ["1234567890:12@s.whatsapp.net", "1234567890@s.whatsapp.net"],
  ["1234567890:99@hosted", "1234567890@s.whatsapp.net"],
  ["1234567890@S.WHATSAPP.NET", "1234567890@s.whatsapp.net"],
  ["987654321012345@lid", "987654321012345@lid"],
  ["987654321012345:3@lid", "987654321012345@lid"],
  ["987654321012345:99@hosted.lid", "987654321012345@lid"],
  ["120363041234567890@g.us", "120363041234567890@g.us"],
  ["15551234567-1400000000@g.us", "15551234567-1400000000@g.us"],
  ["\u202a+1 555\u2011123\u20114567\u202c", "15551234567@s.whatsapp.net"],
  ["\u202a15551234567@s.whatsapp.net\u202c", "15551234567@s.whatsapp.net"],
  ["987654321012345@lid\u200b", "987654321012345@lid"],
])("%s parses to %s", (text, jid) => {
  expect(parseAddress(text)?.jid).toBe(jid);
});

test.each([
  "",
  "@",
  "hello",
  "status@broadcast",
  "123@newsletter",
  "15551234567@constructor",
  "15551234567@",
  "@s.whatsapp.net",
  "15551234567@s.whatsapp.net.evil.com",
  "15551234567@s.whatsapp.net@lid",
  "+15551234567@s.whatsapp.net",
  "1555 1234567@s.whatsapp.net",
  "15551234567:123456@s.whatsapp.net",
  "15551234567:x@s.whatsapp.net",
  "x1555123@lid",
  "1".repeat(21).concat("@lid"),
  "1-2-3@g.us",
  "٣٣٣٣٣٣٣٣٣@lid",
  "１５５５１２３４５６７@s.whatsapp.net",
  "\u202a\u202c",
  `1${" ".repeat(200)}5551234567`,
  "-15551234567",
  "+-15551234567",
])("%j is not an address", (text) => {
  expect(parseAddress(text)).toBeNull();
  expect(normaliseJid(text)).toBeNull();
});

test.each([
  ["1234567", "1234567"],
  ["123456789012345", "123456789012345"],
  [" +49 30 1234-567 ", "49301234567"],
  ["\u200e+49\u00a030\u202f1234\u20105678\u200f", "493012345678"],
  ["+49\u200b30\u20601234\u00ad567\ufeff", "49301234567"],
  ["+1\u2012555\u2013123\u2014456\u22127", "15551234567"],
  ["＋８１ ９０－１２３４－５６７８", "819012345678"],
  ["+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "966501234567"],
  ["+۹۸ ۹۱۲ ۳۴۵ ۶۷۸۹", "989123456789"],
  ["+९१ ९८७६५ ४३२१०", "919876543210"],
  ["\u2011+15551234567", null],
  ["٠١٢٣٤٥٦٧٨٩", null],
  ["1555123456½", null],
  ["123456", null],
  ["1234567890123456", null],
  ["0123456789", null],
  ["+0123456789", null],
  ["++15551234567", null],
  ["1555+1234567", null],
  ["(555) 123-4567", null],
  ["1555123456a", null],
  ["15551234567@s.whatsapp.net", null],
])("%j parses to the phone number %j", (text, phoneNumber) => {
  expect(parsePhoneNumber(text)).toBe(phoneNumber);
});

test("the digits of every script have the values that Unicode gives them", () => {
  const zeros = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7f6, 0x1e950];
  for (const zero of zeros) {
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((value) => String.fromCodePoint(zero + value));
    expect(parsePhoneNumber(digits.join(""))).toBe("1234567890");
  }
});

test("two spellings of one address compare equal, and normalise to the same", () => {
  fc.assert(
    fc.property(spelled, ([user, one, other]) => {
      expect(normaliseJid(one(user))).not.toBeNull();
      expect(normaliseJid(one(user))).toBe(normaliseJid(other(user)));
      expect(isSameAddress(one(user), other(user))).toBe(true);
    }),
  );
});

test("different people never compare equal", () => {
  fc.assert(
    fc.property(spelled, spelled, ([a, one], [b, other]) => {
      fc.pre(a !== b);
      expect(isSameAddress(one(a), other(b))).toBe(false);
    }),
  );
});

test("a number, a LID and a group with the same digits never compare equal", () => {
  fc.assert(
    fc.property(phoneNumbers, (user) => {
      expect(isSameAddress(`${user}@s.whatsapp.net`, `${user}@lid`)).toBe(false);
      expect(isSameAddress(`${user}@g.us`, `${user}@lid`)).toBe(false);
      expect(isSameAddress(user, `${user}@g.us`)).toBe(false);
    }),
  );
});

test("an invalid address does not even equal itself", () => {
  expect(isSameAddress("", "")).toBe(false);
  expect(isSameAddress("status@broadcast", "status@broadcast")).toBe(false);
});

test("normalising is idempotent and leaves no device part, for any text", () => {
  const texts = fc.oneof(
    spelled.map(([user, one]) => one(user)),
    fc.stringMatching(/^[+ \d:@a-z.-]{0,40}$/),
    fc.string(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const jid = normaliseJid(text);
      if (jid === null) return;
      expect(jid).toMatch(/^[\d-]+@(s\.whatsapp\.net|lid|g\.us)$/);
      expect(normaliseJid(jid)).toBe(jid);
    }),
  );
});

test("only a phone-number JID reveals a number", () => {
  expect(phoneNumberOf("15551234567:4@s.whatsapp.net")).toBe("15551234567");
  for (const other of ["15551234567@lid", "15551234567@g.us", "", null, undefined])
    expect(phoneNumberOf(other)).toBeNull();
});

test("a parsed address has its kind and its parts", () => {
  expect(parseAddress("+15551234567")).toEqual({
    kind: "phone",
    jid: "15551234567@s.whatsapp.net",
    phoneNumber: "15551234567",
  });
  expect(parseAddress("123:4@lid")).toEqual({ kind: "lid", jid: "123@lid", lid: "123" });
  expect(parseAddress("123@g.us")).toEqual({ kind: "group", jid: "123@g.us" });
});

test("the user of a JID is the part before the device and the server", () => {
  expect(jidUser("15551234567:12@s.whatsapp.net")).toBe("15551234567");
  expect(jidUser("15551234567")).toBe("15551234567");
  expect(jidUser("")).toBe("");
});

test("an address of more than 200 characters is none, however few of them can be seen", () => {
  const padded = (characters: number) => "15551234567".padEnd(characters, "\u200b");
  expect(parsePhoneNumber(padded(200))).toBe("15551234567");
  expect(parsePhoneNumber(padded(201))).toBeNull();
});
