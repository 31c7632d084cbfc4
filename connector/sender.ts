import { performance } from "node:perf_hooks";
import { backoffMs } from "../shared/backoff.ts";
import type { CommandDocument } from "../shared/collections.ts";
import { type PublicError, publicError, ServiceError } from "../shared/errors.ts";
import type { EventData } from "../shared/events.ts";
import { newMessageId } from "../shared/ids.ts";
import type { Logger } from "../shared/log.ts";
import { sleep } from "../shared/sleep.ts";
import type { WASocket } from "./baileys/baileys.ts";
import type { CommandQueue, Settlement } from "./command-queue.ts";
import type { Delivery } from "./delivery.ts";
import type { MessageRecord } from "./message-record.ts";
import type { Pace } from "./pace.ts";
import { type PreparationOptions, type Prepared, prepare } from "./preparation.ts";
import { type Outcome, relay } from "./relay.ts";

/** What a sender may do at the moment. */
export type Sending = { kind: "open"; wa: WASocket } | { kind: "closed" } | { kind: "logged_out" };

export interface SenderOptions {
  queue: CommandQueue;
  delivery: Delivery;
  record: MessageRecord;
  pace: Pace;
  preparation: PreparationOptions;
  /** Asked before every step that must not be taken by a former owner or on a socket that is gone. */
  sending(): Sending;
  isOwner(): boolean;
  ackMs: number;
  log: Logger;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** Lanes 1 and 2: one relay at a time, in order; waiting for WhatsApp's answers overlaps. */
export interface Sender {
  /** There may be something to do. */
  ring(): void;
  /** Claims nothing more, and resolves when nothing is on its way. */
  stop(): Promise<void>;
}

type Send = CommandDocument & { messageId: string };

const batchMax = 16;
const aheadMax = 2;
const answersMax = 32;
const triesMax = 3;
const retryBackoff = { baseMs: 500, maxMs: 4_000 };

export function createSender(options: SenderOptions): Sender {
  const { queue, delivery, record, pace, preparation, sending, isOwner, signal, log } = options;
  const answers = new Set<Promise<void>>();
  let isStopping = false;
  let isDirty = false;
  let working: Promise<void> | null = null;

  const canSendOn = (wa: WASocket) => {
    const now = sending();
    return !isStopping && isOwner() && now.kind === "open" && now.wa === wa;
  };
  const tell = (messageId: string, told: Omit<EventData["message_status_update"], "messageId">) =>
    delivery.tell({ messageId, ...told });

  const fail = async ({ _id, messageId }: Send, error: PublicError, state: "failed" | "dead" = "failed") => {
    await Promise.all([
      queue.settle(_id, { state, error: { ...error, details: withIds(error, _id, messageId) } }),
      tell(messageId, { status: "failed", error: { code: error.code } }),
    ]);
  };

  const settleAnswer = async (command: Send, prepared: Prepared, outcome: Outcome) => {
    const { settlement, told } = settlementOf(command, prepared, outcome);
    const settled = queue.settle(command._id, settlement);
    // A receipt that came before this looks for a command that is `unknown` already.
    if (outcome.kind === "unknown") await settled;
    await Promise.all([settled, tell(command.messageId, told)]);
    log.info(
      { event: "sent", commandId: command._id, messageId: command.messageId, outcome: outcome.kind },
      "message",
    );
  };

  const follow = (command: Send, prepared: Prepared, outcome: Promise<Outcome | null>) => {
    const answer = outcome
      .then((known) => (known ? settleAnswer(command, prepared, known) : undefined))
      .catch(options.onError);
    const tracked = answer.finally(() => answers.delete(tracked));
    answers.add(tracked);
  };

  /** Tries in place, so that what comes later does not overtake. Resolves to whether the socket is still good. */
  const sendOne = async (command: Send, wa: WASocket, ready: Promise<Prepared>): Promise<boolean> => {
    for (let tries = 1; ; tries++) {
      try {
        const prepared = tries === 1 ? await ready : await prepare(command, wa, preparation, signal);
        await sleep(pace.take(performance.now()), signal);
        if (!canSendOn(wa)) return false;
        await Promise.all([
          record.sending(command.messageId, prepared.to, prepared.type, prepared.message),
          queue.startRelay(command._id, command.messageId),
        ]);
        delivery.begin(command.messageId);
        const { left, outcome } = relay(wa, command.messageId, prepared, options.ackMs);
        follow(command, prepared, outcome);
        const { isOnWire, error } = await left;
        if (!isOnWire) throw error;
        if (answers.size >= answersMax) await Promise.race(answers);
        return true;
      } catch (error) {
        if (error instanceof ServiceError) return fail(command, publicError(error)).then(() => true);
        if (!canSendOn(wa)) return false;
        log.warn(
          { event: "send_failed", commandId: command._id, tries, error: nameOf(error) },
          "not on the wire",
        );
        if (tries >= triesMax) return fail(command, notSent, "dead").then(() => true);
        await sleep(backoffMs(retryBackoff, tries, Math.random()), signal);
      }
    }
  };

  const sendBatch = async (batch: Send[], wa: WASocket) => {
    const ready: Promise<Prepared>[] = [];
    for (const [index, command] of batch.entries()) {
      for (const ahead of batch.slice(ready.length, index + 1 + aheadMax)) {
        const preparing = prepare(ahead, wa, preparation, signal);
        preparing.catch(() => undefined);
        ready.push(preparing);
      }
      const isGood =
        canSendOn(wa) &&
        (await sendOne(command, wa, ready[index] ?? prepare(command, wa, preparation, signal)));
      if (isGood) continue;
      await queue.unclaim(batch.slice(index).map(({ _id }) => _id));
      return;
    }
  };

  const tellExpired = (expired: CommandDocument[]) =>
    Promise.all(
      expired
        .filter((command) => command.messageId !== undefined)
        .map(({ messageId = "" }) => tell(messageId, { status: "failed", error: { code: "expired" } })),
    );

  const next = async (): Promise<Send[]> => {
    const { claimed, expired } = await queue.claim([1, 2], batchMax);
    await tellExpired(expired);
    return claimed.map((command) => ({ ...command, messageId: command.messageId ?? newMessageId() }));
  };

  const passes: Record<Sending["kind"], () => Promise<void>> = {
    async closed() {
      await tellExpired(await queue.expire());
    },
    async logged_out() {
      const loggedOut = publicError(new ServiceError("channel_logged_out"));
      while (!isStopping && isOwner() && sending().kind === "logged_out") {
        const batch = await next();
        if (batch.length === 0) return;
        for (const command of batch) await fail(command, loggedOut);
      }
    },
    async open() {
      for (;;) {
        const now = sending();
        if (isStopping || now.kind !== "open" || !isOwner()) return;
        const batch = await next();
        if (batch.length === 0) return;
        await sendBatch(batch, now.wa);
      }
    },
  };

  const work = async () => {
    while (isDirty && !isStopping && isOwner()) {
      isDirty = false;
      await passes[sending().kind]().catch(options.onError);
    }
    working = null;
  };

  return {
    ring() {
      isDirty = true;
      working ??= Promise.resolve().then(work);
    },
    async stop() {
      isStopping = true;
      await working;
      await Promise.all(answers);
    },
  };
}

const notSent: PublicError = {
  code: "not_sent",
  message: "The message could not be sent; it did not leave the connector",
};

function settlementOf(
  { _id, messageId }: Send,
  { to, type }: Prepared,
  outcome: Outcome,
): { settlement: Settlement; told: Omit<EventData["message_status_update"], "messageId"> } {
  if (outcome.kind === "sent") {
    const result = { messageId, to, type, status: "sent" };
    return { settlement: { state: "succeeded", result }, told: { status: "sent" } };
  }
  if (outcome.kind === "refused") {
    const { whatsappCode } = outcome;
    const details = { messageId, commandId: _id, whatsappCode };
    const error: PublicError = {
      code: "whatsapp_rejected",
      message: "WhatsApp refused the message",
      details,
    };
    return {
      settlement: { state: "failed", error },
      told: { status: "failed", error: { code: error.code, whatsappCode } },
    };
  }
  const result = { messageId, to, type, status: "unknown" };
  return { settlement: { state: "unknown", result }, told: { status: "unknown" } };
}

function withIds({ details }: PublicError, commandId: string, messageId: string) {
  return Array.isArray(details)
    ? { messageId, commandId, problems: details }
    : { ...details, messageId, commandId };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
