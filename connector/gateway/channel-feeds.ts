import { ChannelFeed, type FeedSource } from "./channel-feed.ts";

/** The feeds of the channels that have subscribers in this process, with reference counts. */
export class Feeds {
  readonly #source: FeedSource;
  readonly #retained = new Map<string, { feed: ChannelFeed; references: number }>();

  constructor(source: FeedSource) {
    this.#source = source;
  }

  /** Every call needs one `release`. */
  retain(channelId: string): ChannelFeed {
    const retained = this.#retained.get(channelId) ?? {
      feed: new ChannelFeed(channelId, this.#source),
      references: 0,
    };
    retained.references += 1;
    this.#retained.set(channelId, retained);
    retained.feed.ready.catch(() => this.#forget(channelId, retained.feed));
    return retained.feed;
  }

  release(feed: ChannelFeed): void {
    const retained = this.#retained.get(feed.channelId);
    if (retained?.feed !== feed) return;
    retained.references -= 1;
    if (retained.references === 0) this.#retained.delete(feed.channelId);
  }

  get(channelId: string): ChannelFeed | undefined {
    return this.#retained.get(channelId)?.feed;
  }

  all(): ChannelFeed[] {
    return [...this.#retained.values()].map(({ feed }) => feed);
  }

  #forget(channelId: string, feed: ChannelFeed): void {
    if (this.#retained.get(channelId)?.feed === feed) this.#retained.delete(channelId);
  }
}
