import type { Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { boundedRead } from "#shared/database.ts";
import type { ReadCommandOutcome } from "../results/results.ts";
import { storedIds } from "./mongo-command-id.ts";

/** Reads how a command ended, from its document. */
export function mongoCommandOutcome(commands: Collection<CommandDocument>): ReadCommandOutcome {
  const wanted = { projection: { state: 1, result: 1, error: 1 }, ...boundedRead } as const;
  return async (commandId) => {
    const command = await commands.findOne<Pick<CommandDocument, "state" | "result" | "error">>(
      { _id: { $in: storedIds(commandId) } },
      wanted,
    );
    if (!command) return { state: "gone" };
    const { state, result, error } = command;
    if (state === "queued" || state === "running") return null;
    return { state, ...(result && { result }), ...(error && { error }) };
  };
}
