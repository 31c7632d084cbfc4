import { type Collection, type Document, Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { boundedRead, durable } from "#shared/database.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import type { PublicError } from "#shared/errors.ts";
import { insertTogether } from "#shared/insert-together.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import { storedIds } from "./mongo-command-id.ts";
import { commandPage } from "./mongo-command-page.ts";
import { readableCommand } from "./readable-command.ts";
import type { NewCommand, Store } from "./store.ts";

type Commands = Pick<
  Store,
  | "insertCommand"
  | "insertDirect"
  | "findCommand"
  | "hasCommand"
  | "listCommands"
  | "cancelCommand"
  | "requeueCommand"
>;

const cancelled: PublicError = { code: "cancelled", message: "The command was cancelled" };

/** Inserts, reads, lists, cancels and requeues commands. */
export function mongoCommands(
  commands: Collection<CommandDocument>,
  { insertClaimed }: Partial<Pick<LocalConnector, "insertClaimed">> = {},
): Commands {
  const insert = insertTogether(commands);
  /** Waits until a majority has the existing document; throws the error when it was no duplicate. */
  const confirmExisting = async ({ commandId, type }: NewCommand, error: unknown) => {
    if (!isDuplicate(error)) throw error;
    const unchanged = { $set: { type } };
    const { matchedCount } = await commands.updateOne({ _id: commandId }, unchanged, durable);
    if (matchedCount === 0) throw error;
  };
  return {
    async insertCommand(command) {
      await insert(queued(command)).catch((error) => confirmExisting(command, error));
    },
    insertDirect(send, options) {
      const inserted = insertClaimed?.(queued(send), options) ?? null;
      if (inserted === null) return null;
      return inserted.catch(async (error) => {
        await confirmExisting(send, error);
        return { isQueued: true };
      });
    },
    async findCommand(commandId) {
      const command = await commands.findOne({ _id: { $in: storedIds(commandId) } }, boundedRead);
      return command && readableCommand(command);
    },
    async hasCommand(commandId) {
      const confirmed = { readConcern: "majority", projection: { _id: 1 }, ...boundedRead } as const;
      return (await commands.findOne({ _id: commandId }, confirmed)) !== null;
    },
    listCommands: (query) => commandPage(commands, query),
    cancelCommand: ({ _id }) =>
      commands.findOneAndUpdate(
        // Another service's command has no state until it is adopted.
        { _id, state: { $in: ["queued", null] as never[] }, relayStartedAt: null, resentAt: null } as object,
        [
          {
            $set: {
              state: "cancelled",
              attempts: attemptsMade,
              error: { $literal: cancelled },
              doneAt: "$$NOW",
            },
          },
        ],
        { returnDocument: "after", ...durable },
      ),
    async requeueCommand({ _id }, { endedAt, messageId, ttlSeconds }) {
      const { matchedCount } = await commands.updateOne(
        { _id, state: { $in: ["dead", "expired"] }, doneAt: endedAt },
        requeued(messageId, ttlSeconds),
        durable,
      );
      return matchedCount === 1;
    },
  };
}

/** Adoption would take a command without `attempts` for a new one. */
const attemptsMade = { $ifNull: ["$attempts", 0] };

/** Queues the command as adoption does, and removes the fields that earlier attempts left. */
function requeued(messageId: string, ttlSeconds: number): Document[] {
  return [
    {
      $set: {
        state: "queued",
        ord: "$$CLUSTER_TIME",
        attempts: 0,
        messageId: { $literal: messageId },
        notBefore: "$$NOW",
        expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "second", amount: ttlSeconds } },
      },
    },
    { $unset: ["claim", "error", "result", "doneAt", "relayStartedAt", "resentAt"] },
  ];
}

/**
 * The document of a plain insert, the only write for which the server fills in `ord`, with a unique value (measured on
 * 6.0.5: an upsert leaves 0, and `$$CLUSTER_TIME` repeats under load).
 */
function queued({ commandId, ...command }: NewCommand) {
  return {
    _id: commandId,
    ...command,
    ord: new Timestamp({ t: 0, i: 0 }),
    state: "queued" as const,
    attempts: 0,
    notBefore: command.createdAt,
  };
}
