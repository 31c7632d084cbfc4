import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { ServiceError } from "#shared/errors.ts";
import type { CommandEnv } from "../middleware/find-command.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import type { Store } from "../store/store.ts";

/**
 * Cancels a queued send and returns the cancelled command. Throws `command_not_cancellable` when it is not or no longer
 * queued, or when it is a control command, whose wish is already stored.
 */
export async function cancelSend(
  store: Pick<Store, "cancelCommand" | "findCommand">,
  { command, once }: (CommandEnv & OnceEnv)["Variables"],
): Promise<CommandDocument> {
  await once.decide(() => {
    if (!isSend(command) || (command.state ?? "queued") !== "queued") throw notCancellable(command);
    return { commandId: String(command._id) };
  });
  const cancelled = await store.cancelCommand(command);
  if (cancelled) return cancelled;
  const current = await store.findCommand(String(command._id));
  if (!current) throw new ServiceError("command_not_found");
  // An earlier or concurrent request under the same key may have cancelled it.
  if (once.isKeyed && current.state === "cancelled") return current;
  return once.refuse(notCancellable(current));
}

/** Whether the command sends a message; the others control the channel. */
function isSend({ type }: Pick<CommandDocument, "type">): boolean {
  const kinds: Record<string, { lane: number } | undefined> = commandTable;
  return (kinds[type]?.lane ?? 0) !== 0;
}

function notCancellable(command: CommandDocument): ServiceError {
  const { type, state = "queued" } = command;
  const message = isSend(command)
    ? `Only a queued message can be cancelled; this one is ${state}`
    : "Only messages can be cancelled";
  return new ServiceError("command_not_cancellable", message, { details: { type, state } });
}
