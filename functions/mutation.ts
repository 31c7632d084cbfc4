import type { Context } from "hono";
import { type CommandPayload, type CommandType, commandTable } from "../shared/commands.ts";
import { newCommandId } from "../shared/ids.ts";
import type { Dependencies } from "./dependencies.ts";
import { confirmed } from "./in-doubt.ts";
import type { CallerEnv } from "./middleware/authenticate.ts";
import type { ChannelEnv } from "./middleware/find-channel.ts";
import { apiPrefix } from "./openapi.ts";
import { type WaitPreference, waitPreference } from "./prefer.ts";
import type { Outcome } from "./results.ts";

const waitMsUnlessTold = 10_000;

/** What a caller asks of a channel. */
export interface Mutation<T extends CommandType> {
  type: T;
  payload: CommandPayload<T>;
  /** Fixed here, at accept; only for messages. */
  messageId?: string;
}

/** A command that is written, and how it ended if that is known by now. */
export interface Accepted {
  commandId: string;
  messageId?: string;
  outcome: Outcome | null;
}

/**
 * Writes the command that carries out a mutation on the request's channel, waits for its result as far as it makes
 * sense, and puts `Location` and `Preference-Applied` on the answer. Once written it is accepted: from there on nothing
 * throws. When the database does not confirm the write, `database_unavailable` names the ids of what may have been
 * accepted, and a send is not `retryable`.
 */
export async function carryOut<T extends CommandType>(
  { store, results, settings, ring }: Dependencies,
  c: Context<ChannelEnv & CallerEnv>,
  { type, payload, messageId }: Mutation<T>,
): Promise<Accepted> {
  const { channel, now } = c.var.found;
  const { lane, ttlSeconds } = commandTable[type];
  const preference = waitPreference(c.req.header("prefer"));
  const waitMs = waitMsFor(type, channel.status === "active", preference);
  const isAnswerable = waitMs > 0 && store.hasConnector().catch(() => true);
  const commandId = newCommandId();
  const ids = { commandId, ...(messageId && { messageId }) };
  const insertion = store.insertCommand({
    ...ids,
    channelId: channel.channelId,
    type,
    lane,
    payload,
    keyId: c.var.caller.keyId,
    createdAt: now,
    expiresAt: new Date(now.getTime() + (ttlSeconds ?? settings.sendTtlSeconds) * 1_000),
  });
  // Whatever else there is to carry out, twice is as good as once.
  await confirmed(insertion, { ids, retryable: type !== "message.send" });
  ring?.(channel.channelId);
  const isWorthIt = await isAnswerable;
  const outcome = isWorthIt ? await results.wait(commandId, waitMs, c.req.raw.signal) : null;
  if (preference && (isWorthIt || preference.waitMs === 0))
    c.header("Preference-Applied", preference.applied);
  c.header("Location", `${apiPrefix}/commands/${commandId}`);
  return { ...ids, outcome };
}

/** A message for a channel that is not active may have to wait long, so nobody waits for it unless asked to. */
function waitMsFor(type: CommandType, isActive: boolean, preference: WaitPreference | null): number {
  if (preference) return preference.waitMs;
  return type === "message.send" && !isActive ? 0 : waitMsUnlessTold;
}
