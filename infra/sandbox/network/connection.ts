import { type BinaryNode, decodeBinaryNode, encodeBinaryNode, type proto } from "@whiskeysockets/baileys";
import type { WebSocket } from "ws";
import { ended, type SocketRecord } from "../ledger/sockets.ts";
import type { LinkedClient } from "../state/person.ts";
import type { ServerKeys } from "../state/state.ts";
import { createFrameReader, frame } from "../wire/frames.ts";
import { createHandshake, type Transport } from "../wire/noise.ts";
import { children, stanza } from "../wire/stanza.ts";
import type { PairingAttempt } from "./pairing-attempt.ts";
import { Silence } from "./silence.ts";

/** The server's callbacks for a connection, called one at a time per connection, in the order of the wire. */
export interface ConnectionHandler {
  onHandshake(connection: Connection, payload: proto.ClientPayload): Promise<void> | void;
  onStanza(connection: Connection, node: BinaryNode): Promise<void> | void;
  onClose(connection: Connection): void;
  /** The socket failed, or its data is not the protocol. */
  onError(connection: Connection, error: unknown): void;
  /** `onHandshake` or `onStanza` threw. */
  onFailure(error: unknown): void;
}

const queryTimeoutMs = 10_000;

/** One client's websocket: frames, encryption, and stanzas in order. */
export class Connection {
  readonly since = new Date();
  readonly record: SocketRecord;
  clientStatic: Buffer = Buffer.alloc(0);
  /** Set while the socket waits to be paired. */
  pairingAttempt: PairingAttempt | null = null;
  /** Set once logged in. */
  owner: LinkedClient | null = null;
  /** The client is ready for its queued stanzas. */
  isReceiving = false;
  /** The phone number that the client claims at login. */
  claimed: string | null = null;
  /** Keys of queued stanzas that were sent on this connection. */
  readonly delivered = new Set<string>();

  readonly #socket: WebSocket;
  readonly #handler: ConnectionHandler;
  readonly #handshake;
  readonly #queries = new Map<
    string,
    { resolve: (node: BinaryNode) => void; reject: (error: Error) => void }
  >();
  #transport: Transport | null = null;
  #chain: Promise<void> = Promise.resolve();
  #frames = 0;
  #nextQuery = 0;
  /** The server ended the connection, so later stanzas are dropped. Those that a client sent before it hung up itself are not. */
  #isOver = false;
  readonly #silence = new Silence();

  constructor(
    socket: WebSocket,
    record: SocketRecord,
    keys: ServerKeys,
    certificateChain: Buffer,
    handler: ConnectionHandler,
  ) {
    this.#socket = socket;
    this.record = record;
    this.#handler = handler;
    this.#handshake = createHandshake(keys, certificateChain);
    const read = createFrameReader();
    socket.on("message", (data: Buffer) => this.#inOrder(() => this.#receive(read(data))));
    socket.on("error", (error) => handler.onError(this, error));
    socket.on("close", () => this.#closed());
  }

  get id(): string {
    return this.record.id;
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#socket.readyState === this.#socket.OPEN;
  }

  send(node: BinaryNode): void {
    if (!this.#transport || !this.isOpen || this.#silence.holdUnsent(() => this.send(node))) return;
    this.#socket.send(frame(this.#transport.encrypt(encodeBinaryNode(node))));
    this.onSent(node);
  }

  /** Called with every stanza that was sent. */
  onSent: (node: BinaryNode) => void = () => {};

  /** Sends an iq and waits for its result. Rejects when the connection ends or after 10 s. */
  query(attributes: Record<string, string>, content: BinaryNode[]): Promise<BinaryNode> {
    const id = `${this.id}-${++this.#nextQuery}`;
    const { promise, resolve, reject } = Promise.withResolvers<BinaryNode>();
    const timer = setTimeout(() => reject(new Error("the client did not answer")), queryTimeoutMs);
    this.#queries.set(id, { resolve, reject });
    this.send(stanza("iq", { from: "@s.whatsapp.net", id, ...attributes }, content));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#queries.delete(id);
    });
  }

  /** Resolves the query that this iq answers; false if there is none. */
  resolveQuery(answer: BinaryNode): boolean {
    const query = this.#queries.get(answer.attrs.id ?? "");
    query?.resolve(answer);
    return query !== undefined;
  }

  /** Holds back both directions while the socket stays open. Switching it off resumes where it stopped, or ends the connection if too much was held back. */
  silence(on: boolean): void {
    if (this.#silence.isOn === on) return;
    this.#silence.isOn = on;
    if (on) return;
    if (this.#silence.isOverfull) {
      this.drop("silence");
      return;
    }
    for (const send of this.#silence.takeUnsent()) void send();
    this.#inOrder(() => this.#resume());
  }

  get isSilent(): boolean {
    return this.#silence.isOn;
  }

  /** Runs the work at once, or when the silence is over. */
  async afterSilence(work: () => Promise<void> | void): Promise<void> {
    if (!this.#silence.holdReceived(work)) await this.#guarded(work);
  }

  /** Sends the reason, then closes. */
  end(reason: BinaryNode): void {
    this.#silence.forget();
    this.send(reason);
    this.#isOver = true;
    ended(this.record, reasonOf(reason));
    this.#socket.close();
  }

  /** Cuts the connection; `why` is for the ledger. */
  drop(why: string): void {
    this.#isOver = true;
    ended(this.record, why);
    this.#socket.terminate();
  }

  #inOrder(work: () => Promise<void>): void {
    this.#chain = this.#chain.then(work).catch((error: unknown) => {
      this.#handler.onError(this, error);
    });
  }

  async #receive(frames: Buffer[]): Promise<void> {
    for (const payload of frames) await this.#receiveFrame(payload);
  }

  async #receiveFrame(payload: Buffer): Promise<void> {
    this.#frames += 1;
    if (this.#frames === 1) {
      this.#socket.send(frame(this.#handshake.answer(payload)));
      return;
    }
    if (!this.#transport) {
      const finished = this.#handshake.finish(payload);
      this.#transport = finished.transport;
      this.clientStatic = finished.clientStatic;
      await this.#guarded(() => this.#handler.onHandshake(this, finished.payload));
      return;
    }
    if (this.#isOver) {
      this.record.heardAfterEnd += 1;
      return;
    }
    const node = await decodeBinaryNode(this.#transport.decrypt(payload));
    this.record.lastHeardAt = Date.now();
    this.record.heard += 1;
    await this.afterSilence(() => this.#handler.onStanza(this, node));
  }

  async #resume(): Promise<void> {
    for (
      let next = this.#silence.nextReceived();
      next && !this.#isOver;
      next = this.#silence.nextReceived()
    ) {
      await this.#guarded(next);
      this.#silence.done();
    }
  }

  async #guarded(work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#handler.onFailure(error);
    }
  }

  #closed(): void {
    this.#silence.forget();
    for (const { reject } of this.#queries.values()) reject(new Error("the client hung up"));
    this.#handler.onClose(this);
  }
}

/** Summarises a stream error, a failure or a conflict: "515", "replaced", "failure 401". */
function reasonOf(reason: BinaryNode): string {
  if (reason.tag === "failure") return `failure ${reason.attrs.reason}`;
  return children(reason, "conflict")[0]?.attrs.type ?? reason.attrs.code ?? reason.tag;
}
