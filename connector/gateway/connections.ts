import type { Logger } from "#shared/log.ts";
import { clientAddress, countedAddress } from "#shared/trusted-proxies.ts";
import { AnonymousConnections } from "./anonymous-connections.ts";
import { Connection } from "./connection.ts";
import type { GatewayLimits } from "./limits.ts";
import type { EngineConnection } from "./unsent.ts";

/** All connections of a gateway, with a key or without. */
export class Connections {
  readonly #limits: GatewayLimits;
  readonly #trustProxy: number;
  readonly #log: Logger;
  readonly #anonymous: AnonymousConnections;
  readonly #open = new Map<EngineConnection, Connection>();
  #verifying = 0;

  constructor(limits: GatewayLimits, trustProxy: number, log: Logger) {
    this.#limits = limits;
    this.#trustProxy = trustProxy;
    this.#log = log;
    this.#anonymous = new AnonymousConnections(limits);
  }

  /** Watches a connection from its first request on. */
  open(conn: EngineConnection): void {
    const forwardedFor = conn.request.headers["x-forwarded-for"];
    const peer = clientAddress(conn.remoteAddress ?? "", forwardedFor?.toString(), this.#trustProxy);
    const connection = new Connection(conn, countedAddress(peer), this.#limits, this.#log);
    this.#open.set(conn, connection);
    this.#anonymous.add(connection);
    conn.once("close", () => {
      this.#open.delete(conn);
      this.#anonymous.delete(connection);
    });
  }

  /** The connection of a socket; undefined once it is closed. */
  of({ conn }: { conn: EngineConnection }): Connection | undefined {
    return this.#open.get(conn);
  }

  /** Whether there is room for one more, if need be in the place of one without a key. */
  makeRoom(): boolean {
    return this.#open.size < this.#limits.connectionsMax || this.#anonymous.cutOldest();
  }

  /** Call when the connection has presented a key. */
  accept(connection: Connection): void {
    this.#anonymous.delete(connection);
    connection.accept();
  }

  /** Does not count the connection as anonymous while the key that it presented is verified. */
  async whileVerifying<T>(connection: Connection, verification: () => Promise<T>): Promise<T> {
    if (this.#verifying >= this.#limits.verifyingMax) return verification();
    this.#verifying += 1;
    this.#anonymous.delete(connection);
    try {
      return await verification();
    } finally {
      this.#verifying -= 1;
      const isWaiting = connection.isAnonymous && this.#open.has(connection.conn);
      if (isWaiting) this.#anonymous.add(connection);
    }
  }
}
