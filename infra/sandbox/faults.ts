import type { ReceiptTiming } from "./account.ts";

/** A phone number (its linked clients), or everybody. */
export type Target = string;
export type Times = { times?: number };

/** Every way the sandbox can misbehave. Nothing is broken until it is asked for; `clear` mends everything. */
export interface Faults {
  /** Cuts the TCP connections, no close frame. "all" includes sockets that have not paired. */
  drop(target: Target | "all"): void;
  /** `<stream:error code>` and close, e.g. 515, 503, 500. */
  streamError(target: Target | "all", code: number): void;
  /** `<stream:error><conflict type="replaced">`: 440 at the client. */
  replace(target: Target): void;
  /** The phone removes its linked clients: 401 `device_removed` now, 401 at every later login. */
  removeDevice(target: Target): void;
  /** `<failure reason=code>` instead of `<success>`, for so many logins (default 1), e.g. 401, 402, 403, 405, 406, 409, 503. */
  failLogin(
    target: Target | "all",
    code: number,
    options?: Times & { attributes?: Record<string, string> },
  ): void;
  /** Answers websocket upgrades with an HTTP error and closes, until null or so many times. */
  refuseUpgrade(refusal: { status: number; retryAfterSeconds?: number; times?: number } | null): void;
  /** The socket stays open, but nothing is answered or delivered. Switching off delivers what has piled up; what the client sent meanwhile is lost. */
  silence(target: Target | "all", on: boolean): void;
  /** Messages are refused with this error in their ack (and not delivered), for so many messages (default: until null). */
  ackError(target: Target, code: number | null, options?: Times): void;
  /** Delays acks by milliseconds; 0 mends. */
  ackDelay(target: Target, delayMs: number): void;
  /** Messages are delivered but never acknowledged. Switching off does not make up for the lost ones. */
  withholdAcks(target: Target, on: boolean): void;
  /** Delivery receipts for messages of this account: when, or never; null mends. Overrides the contacts' own policy. */
  receipts(target: Target, timing: ReceiptTiming | null): void;
  /** The next so many queries (default 1) of this namespace stay unanswered, e.g. "encrypt", "usync", "w:m". */
  ignoreQuery(xmlns: string, options?: Times): void;
  clear(): void;
}
