import { ObjectId } from "mongodb";

/** The ids that may store a command: one inserted without an id has an ObjectId, which callers write in hex. */
export function storedIds(commandId: string): string[] {
  if (!/^[0-9a-f]{24}$/.test(commandId)) return [commandId];
  return [commandId, ObjectId.createFromHexString(commandId) as unknown as string];
}
