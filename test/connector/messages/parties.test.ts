import { expect, test } from "vitest";
import type { AuthState } from "#connector/auth/auth-state.ts";
import { createParties } from "#connector/messages/parties.ts";

const number = "15550001111@s.whatsapp.net";
const contact = "15550002222@s.whatsapp.net";
const mappings: Record<string, string> = { "15550002222": "222", "222_reverse": "15550002222" };

const auth = {
  linked: () => true,
  state: {
    creds: { me: { id: "15550001111:3@s.whatsapp.net", lid: "111:3@lid" } },
    keys: {
      get: async (_type: string, ids: string[]) =>
        Object.fromEntries(ids.filter((id) => id in mappings).map((id) => [id, mappings[id]])),
    },
  },
} as unknown as AuthState;

const parties = createParties(auth);

test.each([
  ["the same number on another device", "15550002222:7@s.whatsapp.net", [contact], true],
  ["a LID whose number is known", "222:1@lid", [contact], true],
  ["a number whose LID is known", contact, ["222@lid"], true],
  ["the account's own LID", "111:0@lid", [number], true],
  ["the account's own number", number, ["111@lid"], true],
  ["a LID that is mapped to nobody", "333@lid", [contact], false],
  ["another number", "15550003333@s.whatsapp.net", [contact, number], false],
  ["a group", "120363000000000001@g.us", ["120363000000000001@g.us"], true],
  ["another group", "120363000000000002@g.us", ["120363000000000001@g.us"], false],
  ["no address", "status@broadcast", [contact], false],
  ["nothing", undefined, [contact], false],
])("%s is, or is not, one of the chat's", async (_, jid, jids, expected) => {
  expect(await parties.isOneOf(jid, jids)).toBe(expected);
});

test("only the account's number and LID are its own, and none while it is not linked", () => {
  expect([parties.isOwn("111:5@lid"), parties.isOwn(number), parties.isOwn(contact)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(createParties(null).isOwn(number)).toBe(false);
});

test("LIDs are renamed to the numbers that are known", async () => {
  const numbers = await parties.numbersOf(["222@lid", "222@lid", "333@lid", "111@lid"]);
  expect(Object.fromEntries(numbers)).toEqual({ "222@lid": contact, "111@lid": number });
});
