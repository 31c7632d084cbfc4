import { type Collection, type Document, Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import type { PublicError } from "#shared/errors.ts";
import { storedIds } from "./mongo-command-id.ts";
import { commandPage } from "./mongo-command-page.ts";
import { isDuplicate } from "./mongo-duplicate.ts";
import type { NewCommand, Store } from "./store.ts";

type Commands = Pick<
  Store,
  "insertCommand" | "findCommand" | "hasCommand" | "listCommands" | "cancelCommand" | "requeueCommand"
>;

const cancelled: PublicError = { code: "cancelled", message: "The command was taken back" };

/** Commands: written once here, taken back or queued again, and read. */
export function mongoCommands(commands: Collection<CommandDocument>): Commands {
  return {
    async insertCommand(command) {
      try {
        await commands.insertOne(queued(command), durable);
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Changes nothing, and waits until a majority has what is there.
        const same = { $set: { type: command.type } };
        const { matchedCount } = await commands.updateOne({ _id: command.commandId }, same, durable);
        if (matchedCount === 0) throw error;
      }
    },
    findCommand: (commandId) => commands.findOne({ _id: { $in: storedIds(commandId) } }),
    async hasCommand(commandId) {
      const confirmed = { readConcern: "majority", projection: { _id: 1 } } as const;
      return (await commands.findOne({ _id: commandId }, confirmed)) !== null;
    },
    listCommands: (query) => commandPage(commands, query),
    cancelCommand: ({ _id }) =>
      commands.findOneAndUpdate(
        // What another service inserted has no state until it is adopted.
        { _id, state: { $in: ["queued", null] as never[] }, relayStartedAt: null, resentAt: null } as object,
        [{ $set: { state: "cancelled", attempts: tried, error: { $literal: cancelled }, doneAt: "$$NOW" } }],
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

/** Adoption takes what has no `attempts` for new. */
const tried = { $ifNull: ["$attempts", 0] };

/** As adoption queues what another service inserted. Whatever the former life left is gone. */
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
 * A plain insert, because only there the server fills `ord`, and never twice with the same value (measured on 6.0.5: an
 * upsert leaves 0, and `$$CLUSTER_TIME` repeats under load).
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
