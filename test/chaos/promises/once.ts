import type { Broken, Judge } from "./row.ts";

/** How often the same id may be put on the wire: once, and once more when its fate was unknown. */
const copiesMax = 2;

/** No message reached a contact twice under different ids. */
export const once: Judge = ({ outcomes }) => {
  const broken: Broken[] = [];
  let again = 0;
  for (const outcome of outcomes) {
    const { send, wire } = outcome;
    const copies = wire.reduce((most, record) => Math.max(most, record.copies + record.refused), 0);
    if (copies > 1) again += 1;
    const at = wire.at(-1)?.seenAt ?? send.askedAt;
    const ids = new Set(wire.map(({ id }) => id));
    if (ids.size > 1) broken.push({ what: `came under ${ids.size} ids: ${[...ids]}`, at, outcome });
    if (copies > copiesMax) broken.push({ what: `was put on the wire ${copies} times`, at, outcome });
  }
  const doubled = broken.length;
  return {
    promise: "no message reached a contact twice under different ids",
    counted: `${doubled} doubled or put on the wire more than twice; ${again} twice under the same id, shown once`,
    broken,
  };
};
