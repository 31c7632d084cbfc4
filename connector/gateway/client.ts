import type { Socket } from "socket.io";
import type { Caller } from "#shared/authentication.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { createTokenBucket, type TokenBucket } from "../concurrency/token-bucket.ts";
import { audiencesOf } from "./audience.ts";
import type { ChannelFeed } from "./channel-feed.ts";
import { clientRequests, isRequestName, mentionedChannel, type RequestName } from "./client-request.ts";
import type { Connection } from "./connection.ts";
import type { Credential } from "./credential.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Notice } from "./notice.ts";
import { RequestQueue } from "./request-queue.ts";
import { roomOf, roomPrefix } from "./rooms.ts";

/** An accepted key, and the credential that verifies it again. */
export interface ClientIdentity {
  caller: Caller;
  credential: Credential;
}

/** Answers a request: `succeed` sends the acknowledgement and the event, a rejection is sent as the failure. */
export type RequestHandler = (
  client: Client,
  payload: unknown,
  succeed: (answer: object) => void,
) => Promise<void>;

/** Shared by all clients of a gateway. */
export interface ClientDeps {
  handlers: Record<RequestName, RequestHandler>;
  limits: GatewayLimits;
  log: Logger;
}

type Acknowledge = (answer: object) => void;

/** One socket: its identity, its subscriptions, and its requests, which run one at a time. */
export class Client {
  readonly socket: Socket;
  readonly connection: Connection;
  /** The secret with which the client may return; null for one that repeats its key by itself. */
  readonly pid: string | null;
  readonly subscriptions = new Map<string, ChannelFeed>();
  failedTries = 0;
  readonly #deps: ClientDeps;
  readonly #budget: TokenBucket;
  readonly #queue: RequestQueue;
  #identity: ClientIdentity | null = null;
  #refusals = 0;

  constructor(socket: Socket, connection: Connection, pid: string | null, deps: ClientDeps) {
    this.socket = socket;
    this.connection = connection;
    this.pid = pid;
    this.#deps = deps;
    const { requestsPerSecond, requestsBurst } = deps.limits;
    this.#budget = createTokenBucket(requestsPerSecond, requestsBurst);
    this.#queue = new RequestQueue(deps.limits);
    connection.expire = () => this.end(noKeyInTime);
    socket.onAny((name: string, ...args: unknown[]) => this.#receive(name, args));
    // Clients can send an event of this name, and engine.io reports broken frames by it; without a listener it throws.
    socket.on("error", (error: unknown) =>
      deps.log.debug({ event: "socket_error", socketId: socket.id, ...errorTrace(error) }, "socket error"),
    );
  }

  get identity(): ClientIdentity | null {
    return this.#identity;
  }

  /** Sets the rights of the socket. Callers first end the subscriptions of a different identity. */
  identify(identity: ClientIdentity): void {
    this.#identity = identity;
  }

  greet({ caller }: ClientIdentity): void {
    this.socket.emit("authenticated", greeting(caller));
  }

  /** Sends the reason and closes the connection for good: the client does not reconnect by itself. */
  end(error: unknown): void {
    const { code, message } = publicError(error);
    this.#deps.log.info(
      { event: "socket_closed", socketId: this.socket.id, reason: code },
      "gateway closed a socket",
    );
    this.socket.emit("authentication_failed", { code, message });
    this.#disconnect();
  }

  join(channelId: string, feed: ChannelFeed, identity: ClientIdentity): void {
    this.subscriptions.set(channelId, feed);
    for (const audience of audiencesOf(identity.caller)) void this.socket.join(roomOf(channelId, audience));
  }

  leave(channelId: string): void {
    this.subscriptions.delete(channelId);
    for (const room of [...this.socket.rooms]) {
      if (room.startsWith(roomPrefix(channelId))) void this.socket.leave(room);
    }
  }

  send({ name, payload }: Notice): void {
    this.socket.emit(name, payload);
  }

  #receive(name: string, args: unknown[]): void {
    const acknowledge = acknowledgement(args);
    const payload = typeof args[0] === "function" ? undefined : args[0];
    const bytes = JSON.stringify(payload)?.length ?? 0;
    if (!this.#queue.hasRoomFor(bytes) || !this.#budget.tryTake(performance.now())) {
      this.#refuse(name, payload, acknowledge);
      return;
    }
    this.#refusals = 0;
    if (isRequestName(name)) this.#queue.add(bytes, () => this.#answer(name, payload, acknowledge));
    else acknowledge(failure(publicError(unknownRequest)));
  }

  #refuse(name: string, payload: unknown, acknowledge: Acknowledge): void {
    this.#refusals += 1;
    if (this.#refusals > this.#deps.limits.refusalsMax) this.#disconnect();
    else if (isRequestName(name)) this.#fail(name, payload, acknowledge, tooMany);
    else acknowledge(failure(publicError(tooMany)));
  }

  async #answer(name: RequestName, payload: unknown, acknowledge: Acknowledge): Promise<void> {
    if (!this.socket.connected || !(await this.#canReceive())) return;
    try {
      await this.#deps.handlers[name](this, payload, (answer) => {
        acknowledge({ ok: true, ...answer });
        this.socket.emit(clientRequests[name].succeeded, answer);
      });
    } catch (error) {
      this.#fail(name, payload, acknowledge, error);
      if (this.failedTries >= this.#deps.limits.authenticationTries) this.#disconnect();
    }
  }

  /** Waits until a client that asks faster than it reads has read; closes one that does not read at all. */
  async #canReceive(): Promise<boolean> {
    const { unsent } = this.connection;
    const { answersUnsentMax, drainMs } = this.#deps.limits;
    if (unsent.packets <= answersUnsentMax || (await unsent.drained(drainMs))) return true;
    this.connection.cut("slow_consumer");
    return false;
  }

  /** Tells the client not to reconnect by itself. */
  #disconnect(): void {
    this.socket.disconnect(true);
    this.connection.hangUp();
  }

  #fail(name: RequestName, payload: unknown, acknowledge: Acknowledge, error: unknown): void {
    const cause = error instanceof ServiceError ? error.cause : error;
    if (cause) {
      this.#deps.log.error(
        { event: "request_failed", socketId: this.socket.id, request: name, ...errorTrace(cause) },
        "gateway request failed",
      );
    }
    const { code, message, details } = publicError(error);
    const about = mentionedChannel(payload);
    acknowledge(failure({ code, message, ...(details && { details }) }));
    this.socket.emit(clientRequests[name].failed, { ...about, code, message, ...(details && { details }) });
  }
}

/** The rights of its key, as sent to an authenticated client. */
export function greeting({ channels, scopes }: Caller): object {
  return { channels, scopes };
}

const noKeyInTime = new ServiceError("missing_api_key", "No API key was presented in time");
const tooMany = new ServiceError("rate_limited");
const unknownRequest = new ServiceError(
  "invalid_request",
  `Clients may only send the events ${Object.keys(clientRequests).join(", ")}`,
);

function failure(error: object): object {
  return { ok: false, error };
}

/** The client's callback, if the last argument is one. */
function acknowledgement(args: readonly unknown[]): Acknowledge {
  const last = args.at(-1);
  return typeof last === "function" ? (answer) => last(answer) : () => undefined;
}
