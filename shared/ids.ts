import { randomBytes, randomUUID } from "node:crypto";

/** A channel id: a UUID. */
export function newChannelId(): string {
  return randomUUID();
}

/** A command id: a UUID. Order comes from `ord`, which the database fills. */
export function newCommandId(): string {
  return randomUUID();
}

/** An id for an event that has none of its own. */
export function newEventId(): string {
  return randomUUID();
}

/** A WhatsApp message id of the form that WhatsApp's web clients make: `3EB0` and 18 hex digits. */
export function newMessageId(): string {
  return `3EB0${randomBytes(9).toString("hex").toUpperCase()}`;
}
