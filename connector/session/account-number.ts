/**
 * Countries in which WhatsApp's number differs from the one that people dial, by an extra digit after the country code or
 * the area code. The account's JID may have or lack that digit.
 */
const spellings: ReadonlyArray<[country: RegExp, plain: (digits: string) => string]> = [
  // Brazil: mobile numbers have nine digits; WhatsApp knows older accounts by eight.
  [/^55\d{2}9\d{8}$/, (digits) => digits.slice(0, 4) + digits.slice(5)],
  // Mexico: a 1 that is no longer dialled.
  [/^521\d{10}$/, (digits) => `52${digits.slice(3)}`],
  // Argentina: a 9 that marks mobile numbers from abroad.
  [/^549\d{10}$/, (digits) => `54${digits.slice(3)}`],
];

/** Whether two numbers, digits only, name the same account. */
export function isSameAccountNumber(a: string, b: string): boolean {
  return plain(a) === plain(b) || hasTrunkZero(a, b) || hasTrunkZero(b, a);
}

/** People write the trunk 0, dialled inside the country only, after the country code of one to three digits. */
function hasTrunkZero(written: string, dialled: string): boolean {
  return [1, 2, 3].some(
    (at) => written[at] === "0" && written.slice(0, at) + written.slice(at + 1) === dialled,
  );
}

function plain(digits: string): string {
  const [, spell] = spellings.find(([country]) => country.test(digits)) ?? [];
  return spell ? spell(digits) : digits;
}
