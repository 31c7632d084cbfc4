import { ChannelFeed, type FeedSource } from "./channel-feed.ts";

/** The feeds of the channels that somebody in this process listens to. */
export class Feeds {
  readonly #source: FeedSource;
  readonly #held = new Map<string, { feed: ChannelFeed; holders: number }>();

  constructor(source: FeedSource) {
    this.#source = source;
  }

  /** Every call needs one `release`. */
  retain(channelId: string): ChannelFeed {
    const held = this.#held.get(channelId) ?? { feed: new ChannelFeed(channelId, this.#source), holders: 0 };
    held.holders += 1;
    this.#held.set(channelId, held);
    held.feed.ready.catch(() => this.#forget(channelId, held.feed));
    return held.feed;
  }

  release(feed: ChannelFeed): void {
    const held = this.#held.get(feed.channelId);
    if (held?.feed !== feed) return;
    held.holders -= 1;
    if (held.holders === 0) this.#held.delete(feed.channelId);
  }

  get(channelId: string): ChannelFeed | undefined {
    return this.#held.get(channelId)?.feed;
  }

  all(): ChannelFeed[] {
    return [...this.#held.values()].map(({ feed }) => feed);
  }

  #forget(channelId: string, feed: ChannelFeed): void {
    if (this.#held.get(channelId)?.feed === feed) this.#held.delete(channelId);
  }
}
