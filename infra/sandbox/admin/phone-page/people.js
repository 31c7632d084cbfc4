/** `15550001111` as `+1 555 000 1111`: grouped for readability only. */
export function pretty(phoneNumber) {
  const groups = phoneNumber.match(/^(\d{1,3}?)(\d{3})(\d{3})(\d{4})$/);
  return groups ? `+${groups.slice(1).join(" ")}` : `+${phoneNumber}`;
}

export const isChannel = (account) => account.devices.length > 0;

/** The first number of a made-up series that has no linked device. */
export function freeNumber(accounts) {
  const taken = new Set(accounts.filter(isChannel).map((account) => account.phoneNumber));
  let number = 15550100001;
  while (taken.has(String(number))) number += 1;
  return String(number);
}

/** Replaces the options of a select if they have changed, and keeps the selection if it is still offered. */
export function offer(select, options) {
  const now = JSON.stringify(options);
  if (select.dataset.offered === now) return;
  select.dataset.offered = now;
  const { value } = select;
  select.replaceChildren(...options.map(([key, label]) => new Option(label, key)));
  if (options.some(([key]) => key === value)) select.value = value;
}
