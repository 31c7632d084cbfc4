/** Turns a request into a command, waits for its outcome and turns that into an answer. */

import type { Context } from "hono";
import { type CommandPayload, type CommandType, commandTable } from "#shared/commands.ts";
import { ServiceError } from "#shared/errors.ts";
import { newCommandId, newMessageId } from "#shared/ids.ts";
import type { DirectInsertion } from "#shared/local-connector.ts";
import type { Dependencies } from "../dependencies.ts";
import { apiPrefix } from "../http/openapi.ts";
import { waitPreference } from "../http/prefer-header.ts";
import type { ChannelEnv, TargetEnv } from "../middleware/find-channel.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import type { CommandOutcome } from "../results/results.ts";
import type { CommandTarget, NewCommand, Store } from "../store/store.ts";
import { confirmWrite } from "../store/unconfirmed-write.ts";

const waitMsDefault = 10_000;
/** As long as a connector waits for WhatsApp's answer before it tries again on a new connection. */
const unlinkWaitMsDefault = 5_000;
const unlinking: readonly CommandType[] = ["channel.logout", "channel.delete"];

/** A command that a caller requests on a channel. */
export interface CommandRequest<T extends CommandType> {
  type: T;
  payload: CommandPayload<T>;
  /** Throws to refuse the request before anything is written. */
  check?: () => void;
  /** Runs before the command is written; must be idempotent. */
  prepare?: () => Promise<void>;
}

/** The ids of a command, fixed when it is accepted; `messageId` only for messages. */
interface CommandIds extends Record<string, string> {
  commandId: string;
}

/** A stored command, and its outcome if that is known. */
export interface AcceptedCommand {
  commandId: string;
  messageId?: string;
  outcome: CommandOutcome | null;
}

/** The variables that the middleware before the handler sets. */
export type CommandRequestEnv = ChannelEnv & OnceEnv;

/** As `CommandRequestEnv`, for a handler that only writes a command. */
export type SubmissionEnv = TargetEnv & OnceEnv;

/** The part of the request and its answer that submitting uses. */
export type CommandRequestContext = Pick<Context, "req" | "header"> & { var: SubmissionEnv["Variables"] };

/**
 * Writes a command for the request's channel, waits for its outcome where waiting makes sense, and sets `Location` and
 * `Preference-Applied`. A written command is accepted: nothing throws after the write, except `channel_not_found` for a direct
 * send on a channel that another process has just deleted. When the database does not confirm the write, `database_unavailable` names the ids that may have been accepted, and is not `retryable` for a
 * send without an `Idempotency-Key`. A request repeated under its key writes the command only if it does not exist.
 */
export async function submitCommand<T extends CommandType>(
  deps: Pick<Dependencies, "store" | "results" | "settings" | "ring">,
  c: CommandRequestContext,
  { type, payload, check, prepare }: CommandRequest<T>,
): Promise<AcceptedCommand> {
  const { store, results, settings, ring } = deps;
  const { found, once, caller } = c.var;
  const { channelId, status } = found.channel;
  const { lane, ttlSeconds } = commandTable[type];
  const waitForOutcome = prepareWait(deps, c, defaultWaitMs(type, status === "active"), found.isOwned);
  const { ids, isRepeated } = await once.decide(() => {
    check?.();
    return newIds(type);
  });
  using _expected = isRepeated ? undefined : results.expect?.(ids.commandId);
  const isStored = async () => {
    await timeOf(store, found);
    return await store.hasCommand(ids.commandId);
  };
  if (!(isRepeated && (await isStored()))) {
    await prepare?.();
    const isSend = type === "message.send";
    const commandAt = (createdAt: Date): NewCommand => {
      const expiresAt = new Date(createdAt.getTime() + (ttlSeconds ?? settings.sendTtlSeconds) * 1_000);
      const { keyId } = caller;
      return { ...ids, channelId, type, lane, payload, keyId, createdAt, expiresAt };
    };
    const options = { mayExist: once.isKeyed, look: found.look };
    const direct = isSend && !isRepeated ? store.insertDirect(commandAt(found.now), options) : null;
    // A read that fails leaves no doubt: it is not part of the write.
    const insertion = direct ?? insertQueued(store, commandAt(await timeOf(store, found)));
    // Every command but a send is idempotent.
    const { isQueued } = await confirmWrite(insertion, { ids, retryable: once.isKeyed || !isSend });
    if (isQueued) ring?.(channelId, lane, ids.commandId);
  }
  return { ...ids, outcome: await waitForOutcome({ ...ids, isRepeated }) };
}

/** Reads the channel again, because its owner may not have heard of a deletion yet. Returns the database's time. */
async function timeOf(
  store: Pick<Store, "findChannel">,
  { channel, now, isOwned }: CommandTarget,
): Promise<Date> {
  if (!isOwned) return now;
  const found = await store.findChannel(channel.channelId);
  if (!found) throw new ServiceError("channel_not_found");
  return found.now;
}

async function insertQueued(
  store: Pick<Store, "insertCommand">,
  command: NewCommand,
): Promise<DirectInsertion> {
  await store.insertCommand(command);
  return { isQueued: true };
}

function newIds(type: CommandType): CommandIds {
  const commandId = newCommandId();
  return type === "message.send" ? { commandId, messageId: newMessageId() } : { commandId };
}

/**
 * Prepares to wait for a command's outcome. The returned function waits, and sets `Location` and `Preference-Applied`.
 * It does not wait while no connector is alive to execute the command (`isOwned`: one is), but for a repeated request it reads
 * whether the command has already ended.
 */
export function prepareWait(
  { store, results }: Pick<Dependencies, "store" | "results">,
  c: Pick<Context, "req" | "header">,
  waitMsUnlessPreferred: number,
  isOwned = false,
): (command: { commandId: string; isRepeated: boolean }) => Promise<CommandOutcome | null> {
  const preference = waitPreference(c.req.header("prefer"));
  const waitMs = preference?.waitMs ?? waitMsUnlessPreferred;
  const hasConnector = waitMs > 0 && (isOwned || store.hasConnector().catch(() => true));
  const isAsync = preference?.waitMs === 0;
  return async ({ commandId, isRepeated }) => {
    const canWait = await hasConnector;
    const known = isRepeated && !isAsync ? await results.read(commandId) : null;
    const outcome = known ?? (canWait ? await results.wait(commandId, waitMs, c.req.raw.signal) : null);
    if (preference && (canWait || isAsync)) c.header("Preference-Applied", preference.applied);
    setLocation(c, commandId);
    return outcome;
  };
}

/** Sets `Location` to the URL of the command. Other services choose their own ids, which may hold any character. */
export function setLocation(c: Pick<Context, "header">, commandId: string): void {
  c.header("Location", `${apiPrefix}/commands/${encodeURIComponent(commandId.toWellFormed())}`);
}

/** A message for an inactive channel may stay queued for long, so its request waits only if `Prefer` asks. */
function defaultWaitMs(type: CommandType, isActive: boolean): number {
  if (unlinking.includes(type)) return unlinkWaitMsDefault;
  return type === "message.send" && !isActive ? 0 : waitMsDefault;
}
