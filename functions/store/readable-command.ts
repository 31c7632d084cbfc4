import { ObjectId } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";

/**
 * A command without the fields that another service wrote in a wrong type: as part of a query they would be operators, and as
 * text they would throw.
 */
export function readableCommand(command: CommandDocument): CommandDocument {
  const { _id, channelId, type, state, messageId, doneAt, ...rest } = command;
  return {
    ...(rest as CommandDocument),
    _id: isId(_id) ? _id : "",
    channelId: isText(channelId) ? channelId : "",
    type: isText(type) ? type : "",
    // Not adopted yet.
    ...(isText(state) && { state }),
    ...(isText(messageId) && { messageId }),
    ...(doneAt instanceof Date && !Number.isNaN(doneAt.getTime()) && { doneAt }),
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isId(value: unknown): boolean {
  return isText(value) || value instanceof ObjectId;
}
