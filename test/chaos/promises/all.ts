import { failOver } from "./fail-over.ts";
import { finalStates } from "./final-states.ts";
import { inboundOnce } from "./inbound.ts";
import { keptOnce } from "./kept.ts";
import { once } from "./once.ts";
import { oneSocket } from "./one-socket.ts";
import { order } from "./order.ts";
import { ratchets } from "./ratchets.ts";
import { readableKeys } from "./readable-keys.ts";
import { replayed } from "./replay.ts";
import { unlinked } from "./unlinked.ts";

/** The checks of all promises, in the order of the report. */
export const checks = [
  finalStates,
  once,
  order,
  inboundOnce,
  keptOnce,
  replayed,
  oneSocket,
  ratchets,
  unlinked,
  readableKeys,
  failOver,
];
