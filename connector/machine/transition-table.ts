import { byReason } from "./close-transitions.ts";
import type { MachineState, Signal, SignalType, StateName, Step, World } from "./machine.ts";
import {
  awaitLogin,
  connect,
  connectNow,
  dropWish,
  hangUp,
  open,
  pairBy,
  reconnect,
  showCode,
  suspend,
} from "./transitions.ts";
import { endUnlink, unlinkFor, unlinkLater, unlinkNow } from "./unlink-transitions.ts";

type Transition<S extends SignalType> = (
  machine: MachineState,
  signal: Extract<Signal, { type: S }>,
  world: World,
) => Step;

type Row = { [S in SignalType]: Transition<S> | null };

/** Every state × every signal; `null` ignores the signal. The table is meant to be read aloud. */
// biome-ignore format: the table is read by columns
export const table: Record<StateName, Row> = {
  inactive:           { start: connect,    stop: dropWish, unlink: unlinkLater, qr: null,     code: null,     paired: null,       opened: null, closed: null,     unlinked: null,      retry: null,      interrupt: null },
  connecting:         { start: pairBy,     stop: hangUp,   unlink: unlinkLater, qr: showCode, code: showCode, paired: awaitLogin, opened: open, closed: byReason, unlinked: null,      retry: null,      interrupt: suspend },
  qr_ready:           { start: pairBy,     stop: hangUp,   unlink: unlinkLater, qr: showCode, code: showCode, paired: awaitLogin, opened: open, closed: byReason, unlinked: null,      retry: null,      interrupt: suspend },
  pairing_code_ready: { start: pairBy,     stop: hangUp,   unlink: unlinkLater, qr: null,     code: showCode, paired: awaitLogin, opened: open, closed: byReason, unlinked: null,      retry: null,      interrupt: suspend },
  active:             { start: null,       stop: hangUp,   unlink: unlinkNow,   qr: null,     code: null,     paired: null,       opened: null, closed: byReason, unlinked: null,      retry: null,      interrupt: suspend },
  waiting:            { start: connectNow, stop: hangUp,   unlink: unlinkLater, qr: null,     code: null,     paired: null,       opened: null, closed: null,     unlinked: null,      retry: reconnect, interrupt: suspend },
  unlinking:          { start: null,       stop: dropWish, unlink: unlinkFor,   qr: null,     code: null,     paired: null,       opened: null, closed: byReason, unlinked: endUnlink, retry: null,      interrupt: suspend },
  error:              { start: connect,    stop: hangUp,   unlink: unlinkLater, qr: null,     code: null,     paired: null,       opened: null, closed: null,     unlinked: null,      retry: null,      interrupt: null },
  logged_out:         { start: connect,    stop: dropWish, unlink: null,        qr: null,     code: null,     paired: null,       opened: null, closed: null,     unlinked: null,      retry: null,      interrupt: null },
};

/** Returns the next machine state and the effects. An ignored signal changes nothing. */
export function step(machine: MachineState, signal: Signal, world: World): Step {
  const transition = table[machine.state][signal.type] as Transition<SignalType> | null;
  return transition?.(machine, signal, world) ?? { machine, effects: [] };
}
