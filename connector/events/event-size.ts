import { BSON } from "mongodb";

/**
 * The most bytes of an event's data. MongoDB refuses a document above 16 MB, and with it the batch that it is in; the longest
 * text of WhatsApp's own apps makes 0.5 MB, since an event holds it twice.
 */
const eventBytesMax = 1024 * 1024;

/** The event does not fit into the log; others do. */
class EventTooLargeError extends Error {
  override readonly name = "EventTooLargeError";
}

/** Whether the log takes an event with this data. */
export function isFitting(data: Record<string, unknown>): boolean {
  return BSON.calculateObjectSize(data, { ignoreUndefined: true }) <= eventBytesMax;
}

/** The bytes of an event's data. Throws `EventTooLargeError` for data that the log does not take. */
export function fittingBytes(data: Record<string, unknown>): number {
  const bytes = BSON.calculateObjectSize(data, { ignoreUndefined: true });
  if (bytes <= eventBytesMax) return bytes;
  throw new EventTooLargeError("The event is too large for the log");
}
