import { expect, test } from "vitest";
import { jidOf, lidFor, parseAddress } from "#infra/sandbox/wire/jid.ts";

const person = { phoneNumber: "15550000001", lid: lidFor("15550000001") };

test("a formatted JID is parsed back to the same address", () => {
  for (const addressing of ["pn", "lid"] as const) {
    for (const device of [0, 1, 23]) {
      const user = addressing === "pn" ? person.phoneNumber : person.lid;
      expect(parseAddress(jidOf(person, addressing, device))).toEqual({ user, addressing, device });
    }
  }
});

test("groups, broadcasts and nonsense are no device's address", () => {
  for (const jid of ["123-456@g.us", "status@broadcast", "x", "", undefined])
    expect(parseAddress(jid)).toBeNull();
});

test("a number always has the same LID, which no other number has", () => {
  const lids = Array.from({ length: 2_000 }, (_, index) => lidFor(String(15_550_000_000 + index)));
  expect(lids[1]).toBe(lidFor("15550000001"));
  expect(new Set(lids).size).toBe(lids.length);
  expect(lids.every((lid) => /^[1-9]\d{14}$/.test(lid))).toBe(true);
});
