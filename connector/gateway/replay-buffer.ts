import type { Notice } from "./notice.ts";

/** Events in a buffer; fewer than a socket may have unsent, because they are sent all at once. */
const bufferedMax = 200;

/**
 * Buffers a feed's broadcasts for a socket that is about to join: all events after number `seq`. When it is full, the
 * buffer restarts at a higher `seq`, and the events it drops must be read from the log.
 */
export class ReplayBuffer implements Disposable {
  #seq: number;
  #kept: { seq: number | null; notice: Notice }[] = [];
  readonly #release: (buffer: ReplayBuffer) => void;

  constructor(seq: number, release: (buffer: ReplayBuffer) => void) {
    this.#seq = seq;
    this.#release = release;
  }

  get seq(): number {
    return this.#seq;
  }

  /** The buffered notices in order, without the events up to `seq`. */
  after(seq: number): Notice[] {
    return this.#kept.filter((it) => it.seq === null || it.seq > seq).map(({ notice }) => notice);
  }

  /** `seq` is the number of an event; null for a QR or pairing code, which is not in the log. */
  keep(seq: number | null, notice: Notice): void {
    if (this.#kept.length >= bufferedMax) this.#restart();
    this.#kept.push({ seq, notice });
  }

  #restart(): void {
    this.#seq = this.#kept.findLast(({ seq }) => seq !== null)?.seq ?? this.#seq;
    this.#kept = this.#kept.filter(({ seq }) => seq === null).slice(-1);
  }

  [Symbol.dispose](): void {
    this.#release(this);
  }
}
