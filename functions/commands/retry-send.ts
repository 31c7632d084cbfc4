import type { Context } from "hono";
import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { ServiceError } from "#shared/errors.ts";
import { newMessageId } from "#shared/ids.ts";
import { parseWith } from "#shared/validation.ts";
import type { Dependencies } from "../dependencies.ts";
import type { CommandEnv } from "../middleware/find-command.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import { confirmWrite } from "../store/unconfirmed-write.ts";
import { type SendAnswer, sendAnswer } from "./send-answer.ts";
import { prepareWait } from "./submit-command.ts";

const { payload: sendPayload, ttlSeconds } = commandTable["message.send"];

/**
 * Queues a dead or expired send again, under its message id. Throws `command_not_retryable` when it is neither,
 * `channel_not_found` and `channel_logged_out` as a send does, and the command's own error when the request waited for it
 * and it failed. Under a key, only the end that the first request saw is undone, not a later one.
 */
export async function retrySend(deps: Dependencies, c: Context<CommandEnv & OnceEnv>): Promise<SendAnswer> {
  const { store, settings, ring } = deps;
  const { command, once } = c.var;
  const found = await store.findChannel(command.channelId);
  if (!found) throw new ServiceError("channel_not_found");
  const waitForOutcome = prepareWait(deps, c, 0);
  const { ids, isRepeated } = await once.decide(() => {
    const endedAt = endOf(command);
    // Before anything is queued: another service may have written it.
    payloadOf(command);
    if (found.channel.status === "logged_out") throw new ServiceError("channel_logged_out");
    const { messageId = newMessageId() } = command;
    return { commandId: String(command._id), messageId, endedAt: endedAt.toISOString() };
  });
  const { commandId, messageId } = ids;
  const requeue = {
    endedAt: new Date(ids.endedAt),
    messageId,
    ttlSeconds: ttlSeconds ?? settings.sendTtlSeconds,
  };
  // Another attempt is safe: the message keeps its id, and a queued command is refused.
  const isQueued = await confirmWrite(store.requeueCommand(command, requeue), {
    ids: { commandId, messageId },
    retryable: true,
  });
  if (!isQueued && !once.isKeyed) throw notRetryable((await store.findCommand(commandId)) ?? command);
  if (isQueued) ring?.(command.channelId, command.lane, commandId);
  return sendAnswer(
    { commandId, messageId, outcome: await waitForOutcome({ commandId, isRepeated }) },
    payloadOf(command),
  );
}

function payloadOf({ payload }: CommandDocument) {
  return parseWith(sendPayload, payload, "invalid_command");
}

/** Returns when the send ended. Throws `command_not_retryable` unless it is dead or expired. */
function endOf(command: CommandDocument): Date {
  const { type, state, doneAt } = command;
  const isRetryable = type === "message.send" && (state === "dead" || state === "expired") && doneAt;
  if (!isRetryable) throw notRetryable(command);
  return doneAt;
}

function notRetryable({ type, state = "queued" }: CommandDocument): ServiceError {
  const message =
    type === "message.send"
      ? `Only a dead or expired message can be retried; this one is ${state}`
      : "Only messages can be retried";
  return new ServiceError("command_not_retryable", message, { details: { type, state } });
}
