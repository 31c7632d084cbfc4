/** Connections that have not presented a key yet, counted by address. */
export class UnauthenticatedConnections {
  readonly #addresses = new Map<object, string>();
  readonly #counts = new Map<string, number>();

  count(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  add(connection: object, address: string): void {
    if (this.#addresses.has(connection)) return;
    this.#addresses.set(connection, address);
    this.#counts.set(address, this.count(address) + 1);
  }

  /** Call when the connection has presented a key or is gone. */
  delete(connection: object): void {
    const address = this.#addresses.get(connection);
    if (address === undefined) return;
    this.#addresses.delete(connection);
    const remaining = this.count(address) - 1;
    if (remaining > 0) this.#counts.set(address, remaining);
    else this.#counts.delete(address);
  }
}
