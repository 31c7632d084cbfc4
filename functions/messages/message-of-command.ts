import type { CommandDocument, MessageDocument, StatusStep } from "#shared/collections.ts";
import { type CommandState, commandTable } from "#shared/commands.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";

/** The status of a message that has no row yet, because it was never about to leave. */
const statuses: Partial<Record<CommandState, MessageStatus>> = {
  unknown: "unknown",
  failed: "failed",
  expired: "failed",
  cancelled: "failed",
  dead: "failed",
};

/** The row that a send would have; null for a command whose payload is not that of a send. */
export function messageOfCommand(command: CommandDocument): MessageDocument | null {
  const { channelId, messageId = "", payload, state, error, createdAt, doneAt } = command;
  const { data } = commandTable["message.send"].payload.safeParse(payload);
  if (!data) return null;
  const { to, content } = data;
  const status = statuses[state] ?? "queued";
  const history: StatusStep[] = [
    { status: "queued", at: createdAt },
    ...(doneAt && status !== "queued"
      ? [{ status, at: doneAt, ...(error && { error: { code: error.code } }) }]
      : []),
  ];
  return {
    _id: "",
    ...{ channelId, messageId, direction: "out", chat: to, sender: null, origin: "api" },
    type: content.type,
    text: content.type === "text" ? content.text : ("caption" in content && content.caption) || "",
    ...{ status, statusRank: messageStatusRank[status], history },
    sentAt: createdAt,
    recordedAt: createdAt,
  };
}
