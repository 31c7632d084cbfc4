import type { GatewayLimits } from "./limits.ts";

/** The requests of one client, which are answered one at a time, in order. */
export class RequestQueue {
  readonly #limits: Pick<GatewayLimits, "waitingRequestsMax" | "waitingBytesMax">;
  #requests = 0;
  #bytes = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(limits: Pick<GatewayLimits, "waitingRequestsMax" | "waitingBytesMax">) {
    this.#limits = limits;
  }

  /** Whether a request with a payload of this size may wait. */
  hasRoomFor(bytes: number): boolean {
    const { waitingRequestsMax, waitingBytesMax } = this.#limits;
    return this.#requests < waitingRequestsMax && this.#bytes + bytes <= waitingBytesMax;
  }

  /** Answers a request after those before it. `answer` must not reject. */
  add(bytes: number, answer: () => Promise<void>): void {
    this.#requests += 1;
    this.#bytes += bytes;
    this.#work = this.#work.then(answer).finally(() => {
      this.#requests -= 1;
      this.#bytes -= bytes;
    });
  }
}
