import type { GatewayLimits } from "./limits.ts";

/** A connection that has not presented a key. */
export interface Anonymous {
  readonly address: string;
  cut(reason: "too_many_without_key"): void;
}

/**
 * The connections that have not presented a key, by address, oldest first. One too many closes the oldest instead of
 * being refused: whoever has a key presents it within a few round trips, so those who only hold connections open shut
 * nobody out.
 */
export class AnonymousConnections {
  readonly #limits: Pick<GatewayLimits, "anonymousPerAddressMax" | "anonymousMax">;
  readonly #all = new Set<Anonymous>();
  readonly #byAddress = new Map<string, Set<Anonymous>>();

  constructor(limits: Pick<GatewayLimits, "anonymousPerAddressMax" | "anonymousMax">) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all.size;
  }

  add(connection: Anonymous): void {
    const { anonymousPerAddressMax, anonymousMax } = this.#limits;
    const neighbours = this.#byAddress.get(connection.address) ?? new Set();
    if (neighbours.size >= anonymousPerAddressMax) cutOldest(neighbours);
    if (this.#all.size >= anonymousMax) this.cutOldest();
    this.#all.add(connection);
    this.#byAddress.set(connection.address, neighbours.add(connection));
  }

  /** Call when the connection has presented a key or is gone. */
  delete(connection: Anonymous): void {
    this.#all.delete(connection);
    const neighbours = this.#byAddress.get(connection.address);
    neighbours?.delete(connection);
    if (neighbours?.size === 0) this.#byAddress.delete(connection.address);
  }

  /** Closes the oldest of all; returns false if there is none. */
  cutOldest(): boolean {
    return cutOldest(this.#all);
  }
}

/** A connection that is cut leaves the sets as it closes. */
function cutOldest(connections: Set<Anonymous>): boolean {
  const [oldest] = connections;
  oldest?.cut("too_many_without_key");
  return oldest !== undefined;
}
