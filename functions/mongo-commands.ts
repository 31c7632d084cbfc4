import { type Collection, ObjectId, Timestamp } from "mongodb";
import type { CommandDocument } from "../shared/collections.ts";
import { durably } from "./durably.ts";
import type { NewCommand, Store } from "./store.ts";

/** Commands: written once here, and read. */
export function mongoCommands(
  commands: Collection<CommandDocument>,
): Pick<Store, "insertCommand" | "findCommand"> {
  return {
    async insertCommand(command) {
      await commands.insertOne(queued(command), durably);
    },
    findCommand: (commandId) => commands.findOne({ _id: { $in: idsOf(commandId) } }),
  };
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

/** A command that another service inserted without an id has an ObjectId, which callers spell in hex. */
function idsOf(commandId: string): string[] {
  if (!/^[0-9a-f]{24}$/.test(commandId)) return [commandId];
  return [commandId, ObjectId.createFromHexString(commandId) as unknown as string];
}
