type Work = () => Promise<void> | void;

/** About as much as the buffers of a real connection hold. */
const keptMax = 1_000;

/**
 * Holds back both directions of a connection for a while. As with TCP, nothing that is sent meanwhile is lost: it
 * arrives late and in order. `isOverfull` means that more arrived than is kept, so the connection must end.
 */
export class Silence {
  isOn = false;
  isOverfull = false;
  #received: Work[] = [];
  #unsent: Work[] = [];

  /** Holds received work back during the silence, and behind work already held back. False if it may run now. */
  holdReceived(work: Work): boolean {
    if (!this.isOn && this.#received.length === 0) return false;
    this.#keep(this.#received, work);
    return true;
  }

  /** Holds a send back during the silence. False if it may go out now. */
  holdUnsent(work: Work): boolean {
    if (this.isOn) this.#keep(this.#unsent, work);
    return this.isOn;
  }

  /** Removes and returns the sends that were held back. */
  takeUnsent(): Work[] {
    const unsent = this.#unsent;
    this.#unsent = [];
    return unsent;
  }

  /** The oldest received work; none during the silence. It is kept until `done`. */
  nextReceived(): Work | undefined {
    return this.isOn ? undefined : this.#received[0];
  }

  done(): void {
    this.#received.shift();
  }

  forget(): void {
    this.isOn = false;
    this.#received = [];
    this.#unsent = [];
  }

  #keep(kept: Work[], work: Work): void {
    if (this.#received.length + this.#unsent.length < keptMax) kept.push(work);
    else this.isOverfull = true;
  }
}
