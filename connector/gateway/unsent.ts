import type { Socket } from "socket.io";

/** An Engine.IO connection. */
export type EngineConnection = Socket["conn"];

/**
 * The packets that Engine.IO keeps for a connection until the client takes them: its only sign of a slow one, missing from its
 * types.
 */
export class Unsent {
  readonly #conn: EngineConnection;
  #bytes = 0;

  constructor(conn: EngineConnection) {
    this.#conn = conn;
    conn.on("packetCreate", ({ data }: { data?: unknown }) => {
      if (typeof data === "string") this.#bytes += data.length;
    });
    conn.on("flush", () => {
      this.#bytes = 0;
    });
  }

  get packets(): number {
    const buffer: unknown = Reflect.get(this.#conn, "writeBuffer");
    return Array.isArray(buffer) ? buffer.length : 0;
  }

  /** The size of these packets, in characters. What the transport has taken already is not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves to true when nothing is unsent; to false when that takes longer than `msMax` or the connection is gone. */
  async drained(msMax: number): Promise<boolean> {
    const conn = this.#conn;
    if (conn.readyState !== "open") return false;
    if (this.packets === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const check = () => {
      if (this.packets === 0) resolve(true);
    };
    const gone = () => resolve(false);
    const timer = setTimeout(gone, msMax);
    conn.on("drain", check);
    conn.once("close", gone);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      conn.off("drain", check);
      conn.off("close", gone);
    }
  }
}
