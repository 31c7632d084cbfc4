import { expect, test } from "vitest";
import { isSameAccountNumber } from "#connector/session/account-number.ts";

test.each([
  ["the same digits", "15550100001", "15550100001"],
  ["Brazil, with and without the ninth digit", "5531987654321", "553187654321"],
  ["Mexico, with and without the 1", "5215512345678", "525512345678"],
  ["with and without the trunk 0 behind the country code", "4401711234567", "441711234567"],
  ["Argentina, with and without the 9", "5491123456789", "541123456789"],
])("two numbers name the same account: %s", (_, dialled, known) => {
  expect([isSameAccountNumber(dialled, known), isSameAccountNumber(known, dialled)]).toEqual([true, true]);
});

test.each([
  ["another number", "15550100001", "15550100002"],
  ["one more digit", "15550100001", "155501000011"],
  ["a 9 that is not the ninth digit", "5531987654321", "5531987654322"],
  ["a 9 in another country", "4931987654321", "493187654321"],
  ["a 0 further behind", "4417011234567", "441711234567"],
  ["a landline", "553133334444", "5531933334445"],
])("two numbers name different accounts: %s", (_, a, b) => {
  expect(isSameAccountNumber(a, b)).toBe(false);
});
