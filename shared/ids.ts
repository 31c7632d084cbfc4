/** Generates the ids of channels, commands, events and messages. */

import { randomBytes, randomUUID } from "node:crypto";

/** A channel id: a UUID. */
export function newChannelId(): string {
  return randomUUID();
}

/** A command id: a UUID. The order of commands is `ord`, which the database sets. */
export function newCommandId(): string {
  return randomUUID();
}

/** An id for an event that has no natural one: a UUID. */
export function newEventId(): string {
  return randomUUID();
}

/** A message id in the form that WhatsApp's web clients use: `3EB0` and 18 hex digits. */
export function newMessageId(): string {
  return `3EB0${randomBytes(9).toString("hex").toUpperCase()}`;
}
