import { expect, test } from "vitest";
import { contactName } from "#functions/console/contact-name.ts";

test("a known phone number is shown with a plus, from whichever source", () => {
  expect(contactName("15551234567@s.whatsapp.net")).toBe("+15551234567");
  expect(contactName("+1 555 123-4567")).toBe("+15551234567");
  expect(contactName("98765@lid", "15551234567")).toBe("+15551234567");
});

test("an address without a number is shown as it is", () => {
  expect(contactName("98765@lid")).toBe("98765@lid");
  expect(contactName("123-456@g.us")).toBe("123-456@g.us");
});
