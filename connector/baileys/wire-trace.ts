import { AsyncLocalStorage } from "node:async_hooks";
import { jidUser } from "#shared/jid.ts";
import type { WASocket } from "./baileys.ts";

/** How far a relay has progressed. */
interface Trace {
  /** The user part of the JID that must get a copy. */
  recipient: string;
  isEncrypted: boolean;
  hasCopy: boolean;
  isOnWire: boolean;
  /** Its outcome is told: nothing of it may leave any more. */
  isGivenUp: boolean;
  /** Known once encryption has waited for it. */
  refusal: { error: unknown } | null;
  /** As in `TraceOptions`. */
  permitted: Promise<unknown> | undefined;
  covered: Promise<unknown>;
  onHanded(): void;
}

const traces = new AsyncLocalStorage<Trace>();

/** How long a relay may take until its stanza is on the wire: the sends behind it wait for it. */
const onWireMs = 15_000;
/** How long a relay may keep the channel's keys locked because it is not known whether its stanza may leave. */
const permissionMs = 250;

/** The stanza had no copy for any device of the recipient, and was kept off the wire. */
export class NoCopyError extends Error {
  override readonly name = "NoCopyError";
}

/** It was not known in time whether a stanza may leave. */
export class LatePermissionError extends Error {
  override readonly name = "LatePermissionError";
}

/** Ends a relay without permission inside Baileys. Nothing is wrong with it, so the log has no line for it. */
export class RelayRefused extends Error {
  override readonly name = "RelayRefused";
}

/**
 * Marks the current relay as encrypted. Baileys' `relayMessage` can fail before or after the stanza has left, and only
 * in the former case is it safe to repeat. A relay runs in an async context of its own: encryption marks it, and the
 * first frame written after that is the stanza.
 */
export function markEncrypted(): void {
  const trace = traces.getStore();
  if (trace) trace.isEncrypted = true;
}

/** Marks that the current relay holds a copy for this device. */
export function markCopy(jid: string): void {
  const trace = traces.getStore();
  if (trace && jidUser(jid) === trace.recipient) trace.hasCopy = true;
}

/** Resolves when it is known whether the stanza of the current relay may leave. Call it when a copy is encrypted. */
export async function untilPermitted(): Promise<void> {
  const trace = traces.getStore();
  if (!trace?.permitted || trace.refusal) return;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new LatePermissionError("No permission came in time")), permissionMs);
  try {
    await Promise.race([trace.permitted, late]);
  } catch (error) {
    trace.refusal ??= { error };
  } finally {
    clearTimeout(timer);
  }
}

/** Called for every frame handed to the websocket. Resolves when the frame may leave, and rejects if it must not. */
export async function markWritten(): Promise<void> {
  const trace = traces.getStore();
  if (!trace?.isEncrypted) return;
  if (!trace.isOnWire) trace.onHanded();
  trace.isOnWire = true;
  await trace.covered;
}

/**
 * Keeps a stanza off the wire that holds no copy for its recipient: Baileys then sends it with the copies for our own devices
 * alone, and WhatsApp accepts it. Baileys reads `isOpen` before it seals each frame, in the context of the relay; a sealed
 * frame could not be dropped any more, because the noise counter has moved.
 */
export function requireCopies({ ws }: Pick<WASocket, "ws">): void {
  const isOpen = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(ws), "isOpen")?.get;
  if (!isOpen) throw new Error("Baileys' websocket has no isOpen");
  const get = (): boolean => {
    const trace = traces.getStore();
    if (trace && !trace.isOnWire) assertMayLeave(trace);
    return isOpen.call(ws);
  };
  Object.defineProperty(ws, "isOpen", { get });
}

function assertMayLeave({ isEncrypted, hasCopy, isGivenUp, refusal }: Trace): void {
  if (refusal) throw new RelayRefused("The stanza must not leave");
  if (isGivenUp) throw new Error("The relay was given up");
  if (isEncrypted && !hasCopy) throw new NoCopyError("No copy could be encrypted for the recipient");
}

export interface TraceOptions {
  /** How long the relay may take until its stanza is handed over. */
  withinMs?: number;
  /**
   * Encryption goes ahead of it. If it rejects, the stanza does not leave, and the relay fails with its error; with a
   * `LatePermissionError` if it takes too long.
   */
  permitted?: Promise<unknown> | undefined;
  /** The stanza leaves once this has resolved. If it rejects, nothing more leaves on the socket. */
  covered?: Promise<unknown>;
  /** Called when the stanza has been handed to the websocket: from then on it counts as on the wire. */
  onHanded?(): void;
}

/**
 * Runs a relay to `to`. Resolves to its error, if it failed, and to whether the stanza may have left. Gives it up when the
 * stanza is not on the wire in time; it cannot get there later. Never rejects.
 */
export async function traceRelay(
  to: string,
  relay: () => Promise<unknown>,
  options: TraceOptions = {},
): Promise<{ isOnWire: boolean; error?: unknown }> {
  const { withinMs = onWireMs, permitted, covered = Promise.resolve(), onHanded = () => undefined } = options;
  // Either may reject before anybody waits for it.
  for (const promise of [permitted, covered]) promise?.catch(() => undefined);
  const state = { isEncrypted: false, hasCopy: false, isOnWire: false, isGivenUp: false };
  const trace: Trace = { recipient: jidUser(to), ...state, refusal: null, permitted, covered, onHanded };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => {
    if (trace.isOnWire) return;
    trace.isGivenUp = true;
    reject(new Error("The stanza was not on the wire in time"));
  };
  const timer = setTimeout(giveUp, withinMs);
  try {
    await Promise.race([traces.run(trace, relay), late]);
    return { isOnWire: true };
  } catch (error) {
    // A relay may run on, such as one whose socket is gone.
    trace.isGivenUp = true;
    return { isOnWire: trace.isOnWire, error: error instanceof RelayRefused ? trace.refusal?.error : error };
  } finally {
    clearTimeout(timer);
  }
}
