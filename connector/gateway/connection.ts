import type { Logger } from "#shared/log.ts";
import { shareWrite } from "../concurrency/share-write.ts";
import { createTokenBucket } from "../concurrency/token-bucket.ts";
import { destroyWebSocket, webSocketOf } from "./bounded-websockets.ts";
import type { GatewayLimits } from "./limits.ts";
import { PollResponse } from "./poll-response.ts";
import { type EngineConnection, Unsent } from "./unsent.ts";

/** Why the gateway closes a connection by itself. */
export type CutReason =
  | "attachments"
  | "left"
  | "missing_api_key"
  | "slow_consumer"
  | "too_many_joins"
  | "too_many_packets"
  | "too_many_probes"
  | "too_many_without_key";

/** An outgoing or incoming packet of Engine.IO. */
interface Packet {
  type: string;
  data?: unknown;
}

/**
 * One connection and its bounds. They hold whatever the connection says: they count the packets of Engine.IO, below
 * Socket.io's parser and its namespaces.
 */
export class Connection {
  readonly conn: EngineConnection;
  /** The client's address, as limits count it. */
  readonly address: string;
  readonly unsent: Unsent;
  /** Tells the client why before it closes the connection at the deadline. */
  expire = () => this.cut("missing_api_key");
  readonly #limits: GatewayLimits;
  readonly #log: Logger;
  readonly #deadline: NodeJS.Timeout;
  readonly #polled: PollResponse;
  #joins = 0;
  #isAnonymous = true;
  #isJudged = false;

  constructor(conn: EngineConnection, address: string, limits: GatewayLimits, log: Logger) {
    this.conn = conn;
    this.address = address;
    this.unsent = new Unsent(conn);
    this.#polled = new PollResponse(conn, () => this.cut("slow_consumer"));
    this.#limits = limits;
    this.#log = log;
    this.#deadline = setTimeout(() => this.expire(), limits.authenticateMs);
    // How long a poll that is no more may hold up the end of its connection: 30 s unless told.
    Reflect.set(conn.transport, "closeTimeout", limits.lingerMs);
    this.#watch();
  }

  /** Whether the connection has no further join. */
  get hasJoinedTooOften(): boolean {
    return this.#joins >= this.#limits.authenticationTries;
  }

  get isAnonymous(): boolean {
    return this.#isAnonymous;
  }

  /** Call when the connection has presented a key. */
  accept(): void {
    this.#isAnonymous = false;
    clearTimeout(this.#deadline);
  }

  /** Closes the connection at once, whatever is unsent. The client sees a lost connection and reconnects. */
  cut(reason: CutReason): void {
    if (this.conn.readyState === "closed") return;
    // Anybody can cause these lines, as many as they like.
    const level = this.#isAnonymous ? "debug" : "info";
    this.#log[level]({ event: "connection_cut", address: this.address, reason }, "gateway cut a connection");
    this.#destroy();
  }

  /** Closes the connection when the client has received what is unsent, or when it does not in time. */
  hangUp(): void {
    this.conn.close();
    if (this.conn.readyState === "closed") return;
    const late = setTimeout(() => this.#destroy(), this.#limits.lingerMs);
    this.conn.once("close", () => clearTimeout(late));
  }

  #watch(): void {
    const { packetsPerSecond, packetsBurst, bytesPerSecond, bytesBurst, probesMax } = this.#limits;
    const packets = createTokenBucket(packetsPerSecond, packetsBurst);
    const bytes = createTokenBucket(bytesPerSecond, bytesBurst);
    this.conn.on("packet", ({ type, data }: Packet) => {
      const now = performance.now();
      const size = typeof data === "string" || Buffer.isBuffer(data) ? data.length : 0;
      if (!packets.tryTake(now) || !bytes.tryTake(now, size)) this.cut("too_many_packets");
      else if (type === "message") this.#inspect(data);
      this.#assertReading();
    });
    this.conn.on("packetCreate", () => this.#assertReading());
    this.conn.on("flush", () => shareWrite(webSocketOf(this.conn)));
    // The websocket that is to replace polling is not part of the connection yet.
    this.conn.on("upgrading", (transport: EngineConnection["transport"]) => {
      let probes = 1;
      const count = () => {
        probes += 1;
        if (probes > probesMax) this.cut("too_many_probes");
      };
      transport.on("packet", count);
      this.conn.once("upgrade", () => transport.off("packet", count));
    });
    this.conn.once("close", () => {
      clearTimeout(this.#deadline);
      setTimeout(() => this.#polled.destroy(), this.#limits.lingerMs).unref();
    });
  }

  /** Judges a packet of Socket.io by its first characters: its type, then its namespace. */
  #inspect(data: unknown): void {
    // Clients need no binary packets, and the parser would keep their attachments.
    if (typeof data !== "string" || data.startsWith("5") || data.startsWith("6")) this.cut("attachments");
    else if (data.startsWith("0")) this.#join(data.startsWith("0/"));
  }

  /** A join to a namespace that does not exist is answered by Socket.io, as often as it is repeated. */
  #join(isElsewhere: boolean): void {
    const isLast = this.hasJoinedTooOften;
    this.#joins += 1;
    if (isLast || (isElsewhere && this.hasJoinedTooOften)) this.cut("too_many_joins");
  }

  /**
   * Cuts a connection with too much unsent. A client with a key is judged after the turn: whatever one turn broadcasts is
   * unsent until it ends, however fast the client reads.
   */
  #assertReading(): void {
    if (!this.#hasTooMuchUnsent) return;
    if (this.#isAnonymous) this.cut("slow_consumer");
    else if (!this.#isJudged) this.#judgeAfterTurn();
  }

  #judgeAfterTurn(): void {
    this.#isJudged = true;
    setImmediate(() => {
      this.#isJudged = false;
      if (this.#hasTooMuchUnsent) this.cut("slow_consumer");
    });
  }

  get #hasTooMuchUnsent(): boolean {
    const { anonymousUnsentMax, writeBufferMax, writeBytesMax } = this.#limits;
    const packetsMax = this.#isAnonymous ? Math.min(anonymousUnsentMax, writeBufferMax) : writeBufferMax;
    return this.unsent.packets > packetsMax || this.unsent.bytes > writeBytesMax;
  }

  #destroy(): void {
    this.conn.close(true);
    destroyWebSocket(this.conn);
    this.#polled.destroy();
  }
}
