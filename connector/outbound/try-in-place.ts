import { backoffMs } from "#shared/backoff.ts";
import { isUnavailable } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { sleep } from "#shared/sleep.ts";
import { NotBegunError } from "../commands/relay-marks.ts";
import type { Send } from "../commands/send-settlement.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { SessionScope } from "../session-scope.ts";

/** A send on its way to the wire. */
export interface SendAttempt {
  send: Send;
  socket: OpenSocket;
  canSend(): boolean;
  /** An earlier send to the chat was given up while this one waited for it. */
  isLastTry?: boolean;
}

/** The place of a send among the others of its channel. */
export interface SendTurn {
  /** Runs the step that puts a send on the wire, alone; before and after it, other sends may be put there. */
  inTurn<T>(send: Send, step: () => Promise<T>): Promise<T>;
  /** Called when no try brought a send to the wire. */
  onGaveUp(send: Send): void;
}

const triesMax = 3;
const retryBackoff = { baseMs: 500, maxMs: 4_000 };

/**
 * Tries to put a send on the wire, and retries in place, so that later sends to the chat do not overtake. Resolves to what
 * `attempt` or, after the last try, `gaveUp` resolves to; to false when the send must not go out now. Throws the database's
 * error when that is unavailable.
 */
export async function tryInPlace(
  { ended, log }: Pick<SessionScope, "ended" | "log">,
  { send, canSend, isLastTry = false }: SendAttempt,
  attempt: (tries: number) => Promise<boolean>,
  gaveUp: () => Promise<boolean>,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(tries);
    } catch (error) {
      if (!canSend() || error instanceof NotBegunError) return false;
      // Not the send's fault: the session ends, and the next one queues it again.
      if (isUnavailable(error)) throw error;
      const trace = { commandId: send._id, tries, ...errorTrace(error) };
      log.warn({ event: "send_failed", ...trace }, "message did not reach the wire");
      if (tries >= triesMax || isLastTry) return await gaveUp();
      await sleep(backoffMs(retryBackoff, tries, Math.random()), ended);
    }
  }
}
