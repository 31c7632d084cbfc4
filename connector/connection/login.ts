import { backoffMs } from "#shared/backoff.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { WASocket } from "../baileys/baileys.ts";
import { activate, replaceLogin } from "../baileys/login.ts";
import { checkKeys, offerPreKeys, onFewPreKeys } from "../baileys/pre-keys.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import type { Timings } from "../timings.ts";

export interface LoginOptions {
  wa: WASocket;
  auth: Pick<AuthState, "save">;
  timings: Pick<Timings, "loginAnswerMs" | "backoff">;
  /** Aborts when the socket has ended. */
  gone: AbortSignal;
  log: Logger;
}

/**
 * Completes the logins of a socket. The socket is open as soon as WhatsApp has agreed to deliver messages: it is asked until
 * it answers, for as long as the watchdog allows. One-time pre-keys are offered before that, since a new device's first
 * messages use them, but waited for only briefly: without them contacts write under the signed pre-key. What WhatsApp leaves
 * unanswered is asked again while the socket lasts.
 */
export function completeLogins({ wa, auth, timings, gone, log }: LoginOptions): void {
  const { loginAnswerMs, backoff } = timings;
  let isOpen = false;
  // The credentials are stored when the socket opens, or ends before it does: the login's frames would wait for another write.
  const save = () => {
    if (isOpen || gone.aborted) auth.save();
  };
  gone.addEventListener("abort", () => isOpen || auth.save(), { once: true });

  const keepOffering = singleFlight(async () => {
    for (let attempt = 0; !gone.aborted; attempt++) {
      try {
        return await offerPreKeys(wa, save, loginAnswerMs);
      } catch (error) {
        if (!gone.aborted)
          log.warn({ event: "pre_keys", ...errorTrace(error) }, "no pre-keys offered, retried");
      }
      await sleep(backoffMs(backoff, attempt, Math.random()), gone);
    }
  });
  onFewPreKeys(wa, () => void keepOffering());
  replaceLogin(wa, async () => {
    const offered = keepOffering();
    await Promise.race([offered, sleep(loginAnswerMs, gone)]);
    for (let attempt = 0; (await activate(wa, loginAnswerMs)).kind !== "result"; attempt++) {
      await sleep(backoffMs(backoff, attempt, Math.random()), gone);
      if (gone.aborted) throw new SocketGoneError("The socket is gone");
      log.warn({ event: "login" }, "WhatsApp did not agree to deliver messages, asked again");
    }
    isOpen = true;
    offered
      .then(() => checkKeys(wa, save, loginAnswerMs))
      .catch((error: unknown) => log.debug({ event: "key_check", ...errorTrace(error) }, "keys not checked"));
  });
}
