import "#connector/baileys/baileys.ts";
import {
  type AuthenticationState,
  type BaileysEventMap,
  Browsers,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  type proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type UserFacingSocketConfig,
  WA_CERT_DETAILS,
  type WAMessage,
  type WASocket,
} from "@whiskeysockets/baileys";
import pino from "pino";
import type { Account, LinkedDevice } from "#infra/sandbox/account.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { eventually } from "#test/support/eventually.ts";

type Close = { code: number | undefined; message: string };
type Update = BaileysEventMap["messages.update"][number];

/** A real, unpatched Baileys with its credentials in memory: connects, pairs, sends, receives, reconnects. */
export class Client implements AsyncDisposable {
  readonly auth: AuthenticationState;
  readonly received: { message: WAMessage; type: "append" | "notify" }[] = [];
  readonly updates: Update[] = [];
  readonly closes: Close[] = [];
  qr: string | undefined;
  state: ConnectionState["connection"] | undefined;
  isCaughtUp = false;
  history = 0;
  readonly sent = new Map<string, proto.IMessage>();
  readonly #sandbox: Sandbox;
  readonly #config: Partial<UserFacingSocketConfig>;
  #socket: WASocket | null = null;

  constructor(sandbox: Sandbox, config: Partial<UserFacingSocketConfig> = {}, auth?: AuthenticationState) {
    this.#sandbox = sandbox;
    this.#config = config;
    this.auth = auth ?? { creds: initAuthCreds(), keys: memoryKeys() };
  }

  get socket(): WASocket {
    if (!this.#socket) throw new Error("not connected");
    return this.#socket;
  }

  connect(): void {
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(this.#sandbox.rootKey, "hex");
    this.state = undefined;
    this.isCaughtUp = false;
    const socket = makeWASocket({
      auth: this.auth,
      waWebSocketUrl: this.#sandbox.websocketUrl,
      logger: pino({ level: process.env.BAILEYS_LOG ?? "silent" }),
      browser: Browsers.macOS("Chrome"),
      emitOwnEvents: false,
      syncFullHistory: false,
      getMessage: async ({ id }) => this.sent.get(id ?? ""),
      ...this.#config,
    });
    this.#socket = socket;
    socket.ev.on("connection.update", (update) => this.#connectionUpdate(update));
    socket.ev.on("messages.upsert", ({ messages, type }) => {
      for (const message of messages) {
        if (message.category !== "peer") this.received.push({ message, type });
      }
    });
    socket.ev.on("messages.update", (updates) => void this.updates.push(...updates));
    socket.ev.on("messaging-history.set", () => {
      this.history += 1;
    });
  }

  /** Connects, lets the account's phone scan the QR, and logs in. */
  async link(account: Account): Promise<LinkedDevice> {
    this.connect();
    const qr = await eventually(() => this.qr);
    const [device] = await Promise.all([account.scan(qr), this.closed(515)]);
    await this.open();
    // Baileys holds messages back until the phone's initial sync is complete.
    await eventually(() => this.history > 0 && account.devices().every(({ queued }) => queued === 0));
    return device;
  }

  /** Logs in with the existing credentials. */
  async open(): Promise<void> {
    this.connect();
    await this.opened();
  }

  async opened(): Promise<void> {
    await eventually(() => this.state === "open" && this.isCaughtUp);
  }

  async closed(code: number): Promise<Close> {
    return eventually(() => this.closes.find((close) => close.code === code));
  }

  /** Closes the connection in order; the client stays linked. */
  async hangUp(): Promise<void> {
    await this.#socket?.end(undefined);
    this.#socket = null;
  }

  async send(to: string, content: Parameters<WASocket["sendMessage"]>[1]): Promise<string> {
    const message = await this.socket.sendMessage(to, content);
    const id = message?.key.id;
    if (!id || !message.message) throw new Error("nothing was sent");
    this.sent.set(id, message.message);
    return id;
  }

  async receive(predicate: (message: WAMessage) => boolean): Promise<WAMessage> {
    return eventually(() => this.received.find(({ message }) => predicate(message))?.message);
  }

  statusOf(id: string): number[] {
    return this.updates.flatMap(({ key, update }) =>
      key.id === id && update.status != null ? [update.status] : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangUp();
  }

  #connectionUpdate(update: Partial<ConnectionState>): void {
    if (update.qr) this.qr = update.qr;
    if (update.connection) this.state = update.connection;
    if (update.receivedPendingNotifications) this.isCaughtUp = true;
    if (update.connection !== "close") return;
    const error = update.lastDisconnect?.error as (Error & { output?: { statusCode: number } }) | undefined;
    this.closes.push({ code: error?.output?.statusCode, message: error?.message ?? "" });
  }
}

export const textOf = (message: WAMessage): string | null | undefined =>
  message.message?.conversation ?? message.message?.extendedTextMessage?.text;

/** Counts that must be 0 after every test that broke nothing on purpose. */
export function faultless(sandbox: Sandbox): Record<string, number> {
  const { unknownNodes, decryptFailures, reusedRatchetCounters, simultaneousSockets } = sandbox.counts;
  const { badDeviceIdentities, handlerErrors } = sandbox.counts;
  return {
    unknownNodes,
    decryptFailures,
    reusedRatchetCounters,
    simultaneousSockets,
    badDeviceIdentities,
    handlerErrors,
  };
}

export const noFaults = {
  unknownNodes: 0,
  decryptFailures: 0,
  reusedRatchetCounters: 0,
  simultaneousSockets: 0,
  badDeviceIdentities: 0,
  handlerErrors: 0,
};

function memoryKeys(): AuthenticationState["keys"] {
  const rows = new Map<string, unknown>();
  return {
    async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
      const found: { [id: string]: SignalDataTypeMap[T] } = {};
      for (const id of ids) {
        const value = rows.get(`${type}/${id}`);
        if (value !== undefined) found[id] = copyOf(value) as SignalDataTypeMap[T];
      }
      return found;
    },
    async set(data: SignalDataSet) {
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values ?? {})) {
          if (value === null || value === undefined) rows.delete(`${type}/${id}`);
          else rows.set(`${type}/${id}`, copyOf(value));
        }
      }
    },
  };
}

/** Copies plain rows, so that no caller shares one with the store; protobuf objects and Buffers stay as they are. */
function copyOf(value: unknown): unknown {
  const isPlain =
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  const holdsBytes = isPlain && Object.values(value).some((held) => held instanceof Uint8Array);
  return isPlain && !holdsBytes ? structuredClone(value) : value;
}
