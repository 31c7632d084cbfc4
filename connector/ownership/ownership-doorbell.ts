import type { ChangeHub } from "#shared/change-hub.ts";

/** Rings when a channel becomes free and when connectors join or leave. A ring carries no state: a query decides. */
export interface OwnershipDoorbellOptions {
  changes: Pick<ChangeHub, "listen">;
  /** A channel was released. */
  freed(channelId: string): void;
  /** A connector joined, drains or is dead. Rings in write order, so it is draining before it releases channels. */
  membersChanged(connectorId: string): void;
  signal: AbortSignal;
}

/** Listens until `signal` aborts. */
export function listenToOwnership({
  changes,
  freed,
  membersChanged,
  signal,
}: OwnershipDoorbellOptions): void {
  changes.listen(
    {
      topics: ["channel_freed", "members_changed"],
      changed(change) {
        if (change.topic === "channel_freed") freed(change.channelId);
        else membersChanged(change.connectorId);
      },
    },
    signal,
  );
}
