import type { Check, Violation } from "./check.ts";

/** How often a message may be relayed under one id: once, and again while its outcome is `unknown`. */
const copiesMax = 2;

/** No message reached a contact twice under different ids. */
export const once: Check = ({ outcomes }) => {
  const violations: Violation[] = [];
  let resent = 0;
  for (const outcome of outcomes) {
    const { send, wire } = outcome;
    const copies = wire.reduce((most, record) => Math.max(most, record.copies + record.refused), 0);
    if (copies > 1) resent += 1;
    const at = wire.at(-1)?.seenAt ?? send.askedAt;
    const ids = new Set(wire.map(({ id }) => id));
    if (ids.size > 1)
      violations.push({ what: `was sent under ${ids.size} ids: ${[...ids].join(", ")}`, at, outcome });
    if (copies > copiesMax) violations.push({ what: `was sent ${copies} times under one id`, at, outcome });
  }
  return {
    promise: "no message reached a contact twice under different ids",
    counted: `${violations.length} under several ids or sent more than twice; ${resent} sent again under the same id, shown once`,
    violations,
  };
};
