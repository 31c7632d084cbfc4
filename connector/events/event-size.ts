import { BSON } from "mongodb";

/**
 * The most bytes of an event's data. MongoDB refuses a document above 16 MB, and with it the batch that it is in; the longest
 * text of WhatsApp's own apps makes 0.5 MB, since an event holds it twice.
 */
const eventBytesMax = 1024 * 1024;

/** The event does not fit into the log; others do. */
export class EventTooLargeError extends Error {
  override readonly name = "EventTooLargeError";
}

/** Throws `EventTooLargeError` for data that the log does not take. */
export function assertFits(data: Record<string, unknown>): void {
  if (BSON.calculateObjectSize(data, { ignoreUndefined: true }) <= eventBytesMax) return;
  throw new EventTooLargeError("The event is too large for the log");
}
