import type { ChangeHub } from "#shared/change-hub.ts";
import type { Feeds } from "./channel-feeds.ts";

export interface PairingTailOptions {
  changes: Pick<ChangeHub, "listen">;
  feeds: Feeds;
  signal: AbortSignal;
}

/**
 * Makes a feed read its pairing when a QR or pairing code may have changed. The stream says only which channel to read;
 * what this process has stored itself is broadcast as it is.
 */
export function tailPairings({ changes, feeds, signal }: PairingTailOptions): void {
  changes.listen(
    {
      topics: ["pairing_changed"],
      changed({ channelId, shown }) {
        const feed = feeds.get(channelId);
        if (shown) feed?.offerPairing(shown);
        else void feed?.readPairing();
        return feed !== undefined;
      },
    },
    signal,
  );
}
