import type { EventDocument } from "#shared/collections.ts";
import type { Audience } from "./audience.ts";

/** One event on its way to sockets. */
export interface Notice {
  audience: Audience;
  name: string;
  payload: Record<string, unknown>;
}

/** A row of the log as clients receive it. */
export function logNotice({ _id, seq, channelId, timestamp, type, data }: EventDocument): Notice {
  return {
    audience: type === "connection_update" ? "status" : "messages",
    name: type,
    payload: { ...data, eventId: _id, seq, channelId, timestamp: timestamp.toISOString() },
  };
}
