import type { AuthState } from "../auth/auth-state.ts";
import { expectFirstLogin } from "../auth/first-login.ts";
import type { WASocket } from "../baileys/baileys.ts";
import type { Timings } from "../timings.ts";
import { restartError } from "./baileys-error.ts";
import type { SocketEnd } from "./socket-end.ts";

export interface PairingWatchOptions {
  wa: WASocket;
  auth: AuthState;
  end: Pick<SocketEnd, "hasEnded" | "terminate">;
  timings: Pick<Timings, "restartMs">;
  /** A phone has accepted the device. */
  onPaired(): void;
}

/** Watches the socket of a channel that is not linked. */
export interface PairingWatch {
  stop(): void;
}

/**
 * Stores the credentials of a link before its confirmation leaves: every frame waits for what is queued, and a process that
 * died after the confirmation would leave a linked phone without keys. WhatsApp then ends the connection, so that the device
 * logs in; if it does not, the socket ends by itself.
 */
export function watchPairing({ wa, auth, end, timings, onPaired }: PairingWatchOptions): PairingWatch {
  let restart: NodeJS.Timeout | undefined;

  const restartLater = () => {
    if (end.hasEnded()) return;
    restart = setTimeout(() => end.terminate(restartError()), timings.restartMs);
  };
  // Prepended, so that the mark is stored with what Baileys makes of the stanza.
  wa.ws.prependListener("CB:iq,,pair-success", () => expectFirstLogin(auth.state.creds));
  wa.ev.on("connection.update", ({ isNewLogin }) => {
    if (!isNewLogin || end.hasEnded()) return;
    onPaired();
    // A failure ends the session.
    auth.flush().then(restartLater, () => undefined);
  });
  return { stop: () => clearTimeout(restart) };
}
