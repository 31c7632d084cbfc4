import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { ServiceError } from "#shared/errors.ts";
import type { CommandEnv } from "../middleware/find-command.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import type { Store } from "../store/store.ts";

/**
 * Takes a queued send back and returns it as it is then. Throws `command_not_cancellable` when it is not queued (any
 * more), or is a control command: the wish that came with that is stored already.
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
  const present = await store.findCommand(String(command._id));
  if (!present) throw new ServiceError("command_not_found");
  // Under a key, somebody else may have carried out this very request in between.
  if (once.isKeyed && present.state === "cancelled") return present;
  return once.refuse(notCancellable(present));
}

/** Whether it is a message, and not something asked of the channel itself. */
function isSend({ type }: Pick<CommandDocument, "type">): boolean {
  const kinds: Record<string, { lane: number } | undefined> = commandTable;
  return (kinds[type]?.lane ?? 0) !== 0;
}

function notCancellable(command: CommandDocument): ServiceError {
  const { type, state = "queued" } = command;
  const message = isSend(command)
    ? `Only a queued message can be taken back, and this one is ${state}`
    : "Only messages can be taken back";
  return new ServiceError("command_not_cancellable", message, { details: { type, state } });
}
