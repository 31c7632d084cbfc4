import type { Context } from "hono";
import { type CommandPayload, type CommandType, commandTable } from "#shared/commands.ts";
import { newCommandId, newMessageId } from "#shared/ids.ts";
import type { Dependencies } from "../dependencies.ts";
import { apiPrefix } from "../http/openapi.ts";
import { waitPreference } from "../http/prefer-header.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import type { CommandOutcome } from "../results/results.ts";
import { confirmWrite } from "../store/unconfirmed-write.ts";

const waitMsUnlessTold = 10_000;

/** What a caller asks of a channel. */
export interface CommandRequest<T extends CommandType> {
  type: T;
  payload: CommandPayload<T>;
  /** Throws what refuses the request before anything is written. */
  check?: () => void;
  /** What is to be done before the command is written; twice must be as good as once. */
  prepare?: () => Promise<void>;
}

/** The ids of a command, fixed at accept; `messageId` only for messages. */
interface CommandIds extends Record<string, string> {
  commandId: string;
}

/** A command that is written, and how it ended if that is known by now. */
export interface AcceptedCommand {
  commandId: string;
  messageId?: string;
  outcome: CommandOutcome | null;
}

/** What the request's middleware found out. */
export type CommandRequestEnv = ChannelEnv & OnceEnv;

/** Of a request and its answer, what a mutation touches. */
export type CommandRequestContext = Pick<Context, "req" | "header"> & { var: CommandRequestEnv["Variables"] };

/**
 * Writes the command that carries out a mutation on the request's channel, waits for its result as far as it makes
 * sense, and puts `Location` and `Preference-Applied` on the answer. Once written it is accepted: from there on nothing
 * throws. When the database does not confirm the write, `database_unavailable` names the ids of what may have been
 * accepted, and a send without an `Idempotency-Key` is not `retryable`. Repeated under its key, it writes the command
 * only if it is not there.
 */
export async function submitCommand<T extends CommandType>(
  deps: Pick<Dependencies, "store" | "results" | "settings" | "ring">,
  c: CommandRequestContext,
  { type, payload, check, prepare }: CommandRequest<T>,
): Promise<AcceptedCommand> {
  const { store, settings, ring } = deps;
  const { found, once, caller } = c.var;
  const { channelId, status } = found.channel;
  const { lane, ttlSeconds } = commandTable[type];
  const waiting = prepareWait(deps, c, waitMsUnlessAsked(type, status === "active"));
  const { ids, isRepeated } = await once.decide(() => {
    check?.();
    return newIds(type);
  });
  if (!(isRepeated && (await store.hasCommand(ids.commandId)))) {
    await prepare?.();
    const insertion = store.insertCommand({
      ...ids,
      channelId,
      type,
      lane,
      payload,
      keyId: caller.keyId,
      createdAt: found.now,
      expiresAt: new Date(found.now.getTime() + (ttlSeconds ?? settings.sendTtlSeconds) * 1_000),
    });
    // Whatever else there is to carry out, twice is as good as once.
    await confirmWrite(insertion, { ids, retryable: once.isKeyed || type !== "message.send" });
    ring?.(channelId);
  }
  return { ...ids, outcome: await waiting({ ...ids, isRepeated }) };
}

function newIds(type: CommandType): CommandIds {
  const commandId = newCommandId();
  return type === "message.send" ? { commandId, messageId: newMessageId() } : { commandId };
}

/**
 * Prepares to wait for a command's result: the wait begins when what is returned is called, which also puts `Location`
 * and `Preference-Applied` on the answer. Not without a connector that could carry it out; but one that was asked for
 * before may have ended by now, and was perhaps answered so.
 */
export function prepareWait(
  { store, results }: Pick<Dependencies, "store" | "results">,
  c: Pick<Context, "req" | "header">,
  msUnlessAsked: number,
): (command: { commandId: string; isRepeated: boolean }) => Promise<CommandOutcome | null> {
  const preference = waitPreference(c.req.header("prefer"));
  const waitMs = preference?.waitMs ?? msUnlessAsked;
  const isAnswerable = waitMs > 0 && store.hasConnector().catch(() => true);
  const isAsync = preference?.waitMs === 0;
  return async ({ commandId, isRepeated }) => {
    const isWorthIt = await isAnswerable;
    const known = isRepeated && !isAsync ? await results.look(commandId) : null;
    const outcome = known ?? (isWorthIt ? await results.wait(commandId, waitMs, c.req.raw.signal) : null);
    if (preference && (isWorthIt || isAsync)) c.header("Preference-Applied", preference.applied);
    setLocation(c, commandId);
    return outcome;
  };
}

/** Puts the command's `Location` on the answer. */
export function setLocation(c: Pick<Context, "header">, commandId: string): void {
  c.header("Location", `${apiPrefix}/commands/${commandId}`);
}

/** A message for a channel that is not active may have to wait long, so nobody waits for it unless asked to. */
function waitMsUnlessAsked(type: CommandType, isActive: boolean): number {
  return type === "message.send" && !isActive ? 0 : waitMsUnlessTold;
}
