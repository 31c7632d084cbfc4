import type { Notice } from "./notice.ts";

/** Events that a hold keeps; fewer than a socket may have unsent, because they are told in one go. */
const heldMax = 200;

/**
 * What a feed relays, for a socket that is about to join: everything after number `seq`. When it becomes too much, the
 * hold begins anew with a higher `seq`, and what was kept is to be read from the log.
 */
export class ReplayBuffer implements Disposable {
  #seq: number;
  #kept: { seq: number | null; notice: Notice }[] = [];
  readonly #release: (hold: ReplayBuffer) => void;

  constructor(seq: number, release: (hold: ReplayBuffer) => void) {
    this.#seq = seq;
    this.#release = release;
  }

  get seq(): number {
    return this.#seq;
  }

  /** What is kept, in order, without the events up to `seq`. */
  after(seq: number): Notice[] {
    return this.#kept.filter((it) => it.seq === null || it.seq > seq).map(({ notice }) => notice);
  }

  /** `seq` is the number of an event; null, of a QR or pairing code, which is in no log. */
  keep(seq: number | null, notice: Notice): void {
    if (this.#kept.length >= heldMax) this.#beginAnew();
    this.#kept.push({ seq, notice });
  }

  #beginAnew(): void {
    this.#seq = this.#kept.findLast(({ seq }) => seq !== null)?.seq ?? this.#seq;
    this.#kept = this.#kept.filter(({ seq }) => seq === null).slice(-1);
  }

  [Symbol.dispose](): void {
    this.#release(this);
  }
}
