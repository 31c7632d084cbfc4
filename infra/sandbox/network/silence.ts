type Work = () => Promise<void> | void;

/** About as much as the buffers of a real connection hold. */
const keptMax = 1_000;

/**
 * A connection on which nothing gets through, in either direction, for a while. As with TCP, what was sent meanwhile
 * is late, not lost: it is kept in its order. `isOverfull`: more came than is kept, so the wire must break.
 */
export class Silence {
  isOn = false;
  isOverfull = false;
  #heard: Work[] = [];
  #unsent: Work[] = [];

  /** True if the work has to wait: while it is silent, and behind whatever waits already. */
  holdsHeard(work: Work): boolean {
    if (!this.isOn && this.#heard.length === 0) return false;
    this.#keep(this.#heard, work);
    return true;
  }

  holdsUnsent(work: Work): boolean {
    if (this.isOn) this.#keep(this.#unsent, work);
    return this.isOn;
  }

  /** What waits to be sent, once. */
  takeUnsent(): Work[] {
    const unsent = this.#unsent;
    this.#unsent = [];
    return unsent;
  }

  /** The oldest that was heard; none while it is silent. It goes on waiting until it is `done`. */
  nextHeard(): Work | undefined {
    return this.isOn ? undefined : this.#heard[0];
  }

  done(): void {
    this.#heard.shift();
  }

  forget(): void {
    this.isOn = false;
    this.#heard = [];
    this.#unsent = [];
  }

  #keep(kept: Work[], work: Work): void {
    if (this.#heard.length + this.#unsent.length < keptMax) kept.push(work);
    else this.isOverfull = true;
  }
}
