import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { requestPairingCode } from "../baileys/pairing-code.ts";
import type { CloseReason } from "../machine/close-reason.ts";
import type { Signal } from "../machine/machine.ts";
import type { Timings } from "../timings.ts";
import type { CurrentSocket } from "./current-socket.ts";
import type { PairingCodes } from "./qr-and-pairing-codes.ts";
import type { ChannelSocket } from "./socket.ts";

export interface PairingCodeRequestOptions {
  current: Pick<CurrentSocket, "watch" | "held">;
  codes: Pick<PairingCodes, "typed">;
  timings: Pick<Timings, "pairingAnswerMs">;
  emit(signal: Signal): void;
  /** Forgets the current socket, emits `closed`, and returns the socket for the caller to end. */
  closed(reason: CloseReason, code?: number | null): ChannelSocket | null;
  log: Logger;
}

/**
 * Asks WhatsApp for a pairing code over the current socket. Emits `code` once WhatsApp has confirmed it, and ends the socket
 * when WhatsApp refuses it or does not answer in time. Of several requests only the last counts: each replaces the code of
 * the one before.
 */
export function pairingCodeRequest(options: PairingCodeRequestOptions): (phoneNumber: string) => void {
  const { current, codes, timings, emit, closed, log } = options;
  let last = 0;

  const ask = async (phoneNumber: string, isCurrent: () => boolean) => {
    const socket = current.held();
    if (!socket) throw new Error("no socket");
    const answer = await requestPairingCode(socket.wa, phoneNumber, timings.pairingAnswerMs);
    if (!isCurrent()) return;
    if (answer.kind === "confirmed") return emit({ type: "code", code: codes.typed(answer.text) });
    log.warn({ event: "pairing_code", answer: answer.kind }, "WhatsApp did not confirm a pairing code");
    if (answer.kind === "refused") closed({ kind: "pairing_failed" }, answer.code)?.terminate();
    else closed({ kind: "connection_lost" })?.terminate();
  };

  return (phoneNumber) => {
    const request = ++last;
    const isSocketCurrent = current.watch();
    const isCurrent = () => isSocketCurrent() && request === last;
    ask(phoneNumber, isCurrent).catch((error: unknown) => {
      if (!isCurrent()) return;
      log.warn({ event: "pairing_code", ...errorTrace(error) }, "no pairing code was requested");
      closed({ kind: "connection_lost" })?.terminate();
    });
  };
}
