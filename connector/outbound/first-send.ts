import { setImmediate as nextTurn } from "node:timers/promises";
import { type PublicError, publicError, ServiceError } from "#shared/errors.ts";
import { normaliseJid } from "#shared/jid.ts";
import { SocketGoneError } from "../baileys/socket-gone-error.ts";
import { LatePermissionError } from "../baileys/wire-trace.ts";
import { NotBegunError } from "../commands/relay-marks.ts";
import type { RelayOutcome, Send } from "../commands/send-settlement.ts";
import type { TokenBucket } from "../concurrency/token-bucket.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import { sentMessage } from "../messages/sent-message.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import type { AckWindow } from "./ack-window.ts";
import { isClear } from "./direct-sends.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";
import { relay } from "./relay.ts";
import type { SendOutcomes } from "./send-outcome.ts";
import { waitForSendRate } from "./send-pacing.ts";
import { type SendAttempt, type SendTurn, tryInPlace } from "./try-in-place.ts";

export interface FirstSendOptions extends SendTurn {
  messageStatuses: Pick<MessageStatuses, "begin">;
  messageStore: Pick<MessageStore, "sending">;
  outcomes: SendOutcomes;
  announcements: Pick<Announcements, "announce" | "via">;
  ackWindow: AckWindow;
  bucket: TokenBucket;
  preparation: PrepareOptions;
  ackMs: number;
  /** Called when the outcome of a send that reached the wire is settled. */
  onSettled(send: Send, outcome: RelayOutcome): void;
}

const notSent: PublicError = {
  code: "not_sent",
  message: "The message could not be sent; it did not leave the connector",
};

/** Prepares a send for its turn. Rejects as `prepare` does, and with a `SocketGoneError`. */
export function prepareAttempt(
  { ended }: Pick<SessionScope, "ended">,
  { send, socket: { wa, gone } }: Pick<SendAttempt, "send" | "socket">,
  { preparation }: Pick<FirstSendOptions, "preparation">,
): Promise<Prepared> {
  return untilAborted(gone, () => prepare(send, wa, preparation, ended));
}

/**
 * Puts a send on the wire for the first time; `resend.ts` has the second. `prepared` is what the first try sends. Resolves to
 * whether the send is settled or on the wire. Throws the database's error when that is unavailable.
 */
export async function firstSend(
  scope: SessionScope,
  attempt: SendAttempt,
  prepared: Promise<Prepared>,
  options: FirstSendOptions,
): Promise<boolean> {
  const { send, socket, canSend } = attempt;
  const { outcomes, bucket, inTurn, onGaveUp } = options;
  const settleUnsent = async (error: PublicError, state: "failed" | "dead") => {
    if (!(await isClear(send))) return false;
    await send.direct?.stored;
    await outcomes.settleUnsent(send, error, state);
    return true;
  };
  const tryOnce = async (tries: number) => {
    try {
      const preparing = tries === 1 ? prepared : prepareAttempt(scope, attempt, options);
      const ready = await Promise.race([preparing, assertClear(send).then(() => preparing)]);
      return await inTurn(send, async () => {
        await waitForSendRate(bucket, scope.ended, socket.gone);
        if (!canSend()) return false;
        try {
          await putOnWire(scope, attempt, ready, options);
        } catch (error) {
          if (!(error instanceof LatePermissionError)) throw error;
          await assertClear(send);
          if (!canSend()) return false;
          await putOnWire(scope, attempt, ready, options);
        }
        return true;
      });
    } catch (error) {
      if (error instanceof ServiceError) return await settleUnsent(publicError(error), "failed");
      throw error;
    }
  };
  return await tryInPlace(scope, attempt, tryOnce, () => {
    onGaveUp(send);
    return settleUnsent(notSent, "dead");
  });
}

/**
 * Throws the error that kept the message off the wire, `NotBegunError` when it expired while it waited for the sends before
 * it, or when others go first. Resolves when the stanza has its place among the socket's frames. It leaves once its record, its
 * ratchet and its claim are durable, which are written beside each other and beside those of the sends around it. A send that goes
 * ahead of its claim, or of the look at the queue, is encrypted before it is known whether it may go out.
 */
async function putOnWire(
  { now, isOwner, fail }: Pick<SessionScope, "now" | "isOwner" | "fail">,
  { send, socket }: SendAttempt,
  prepared: Prepared,
  { messageStatuses, messageStore, outcomes, announcements, ackWindow, ackMs, onSettled }: FirstSendOptions,
): Promise<void> {
  if (send.expiresAt.getTime() <= now()) throw new NotBegunError("The command has expired");
  const { to, type, message } = prepared;
  const sendOutcome = outcomes.begin(send, { to, type });
  const assertOwned = () => {
    if (!isOwner()) throw new SocketGoneError("The ownership ended before the message was recorded");
  };
  const record = async () => {
    // The next owner would take one that is recorded for one that may have left.
    if (!(await isClear(send))) return;
    assertOwned();
    messageStatuses.begin(send.messageId);
    const sender = normaliseJid(socket.wa.user?.id);
    const via = await announcements.via(send);
    const sent = sentMessage(send, prepared, { sender, via, at: new Date(now()) });
    // The stanza does not wait for it, and no status overtakes it in the log.
    announcements.announce(sent).catch(fail);
    const recording = messageStore.sending(sent, message);
    await Promise.all([recording, send.direct?.stored]);
    // The next owner queues a send again that it does not find recorded.
    assertOwned();
  };
  const recorded = record();
  const permitted = send.direct && permission(send);
  const { handed, outcome } = relay(socket, send.messageId, prepared, {
    ackMs,
    onAck: sendOutcome.publish,
    permitted,
    covered: Promise.all([recorded, permitted]),
  });
  const settled = async (known: RelayOutcome | null) => {
    if (!known) return;
    // Without its record the stanza did not leave, so nothing is settled: the session ends, and the next one queues it again.
    await recorded;
    await sendOutcome.settle(known);
    onSettled(send, known);
  };
  ackWindow.track(Promise.all([recorded, outcome.then(settled)]).then(() => undefined));
  const { isOnWire, error } = await handed;
  if (!isOnWire) throw error;
  await ackWindow.room();
}

/** Resolves a turn after a look, or a claim, that was waited for, so that the record is on its way before the frame is made. */
async function permission(send: Send): Promise<void> {
  const clear = assertClear(send);
  const isLate = (await Promise.race([clear, nextTurn("late")])) === "late";
  await clear;
  if (isLate) await nextTurn();
}

async function assertClear(send: Send): Promise<void> {
  if (!(await isClear(send))) throw new NotBegunError("Others go first, or the channel is deleted");
}
