import type { LimitFunction } from "p-limit";
import type { Collections } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { coversChannel } from "#shared/scopes.ts";
import { parseWith } from "#shared/validation.ts";
import { audiencesOf, subscribingScopes } from "./audience.ts";
import { type ChannelFeed, pairingKey } from "./channel-feed.ts";
import type { Feeds } from "./channel-feeds.ts";
import type { Client, ClientIdentity, RequestHandler } from "./client.ts";
import { clientRequests } from "./client-request.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Notice } from "./notice.ts";
import { presentChannel } from "./present-channel.ts";
import { replay } from "./replay.ts";
import type { ReplayBuffer } from "./replay-buffer.ts";
import { type PresentChannel, pairingNotice, statusNotice } from "./snapshot.ts";

export interface SubscribeDeps {
  db: Collections;
  feeds: Feeds;
  reads: LimitFunction;
  limits: GatewayLimits;
  log: Logger;
}

/**
 * Answers `subscribe_channel`: `subscribed`, the current state, the events missed since `after`, then live events. A
 * client that is subscribed already receives the current state again; with `after`, it starts over from there.
 */
export function subscribeHandler(deps: SubscribeDeps): RequestHandler {
  return async (client, payload, succeed) => {
    const identity = identityOf(client);
    const { channelId, after } = parseWith(clientRequests.subscribe_channel.payload, payload);
    assertBelowLimit(client, channelId, deps.limits);
    if (!coversChannel(identity.caller, channelId)) throw new ServiceError("channel_not_found");
    const feed = deps.feeds.retain(channelId);
    let isJoined = false;
    try {
      await databaseAnswer(feed.ready, deps.limits.requestMs);
      using buffer = feed.openBuffer();
      const knownSeq = feed.lastStatus?.seq ?? 0;
      const channel = await readableChannel(deps, identity, channelId);
      if (!client.socket.connected) return;
      const isSubscribed = client.subscriptions.has(channelId);
      if (isSubscribed && after === undefined)
        return sendState({ client, identity, feed, channel, knownSeq, succeed }, feed.seq);
      if (isSubscribed) leave(client, channelId, deps.feeds);
      isJoined = await follow(
        deps,
        { client, identity, feed, channel, knownSeq, succeed },
        buffer,
        after ?? buffer.seq,
      );
    } finally {
      if (!isJoined) deps.feeds.release(feed);
    }
  };
}

/** Answers `unsubscribe_channel`; succeeds even if the client was not subscribed. */
export function unsubscribeHandler({ feeds }: Pick<SubscribeDeps, "feeds">): RequestHandler {
  return async (client, payload, succeed) => {
    identityOf(client);
    const { channelId } = parseWith(clientRequests.unsubscribe_channel.payload, payload);
    leave(client, channelId, feeds);
    succeed({ channelId });
  };
}

interface Subscription {
  client: Client;
  identity: ClientIdentity;
  feed: ChannelFeed;
  channel: PresentChannel;
  /** The number of the last status that was broadcast before the channel was read; 0 for none. */
  knownSeq: number;
  succeed: (answer: object) => void;
}

/** Sends the current state; `seq` is the number after which the events that follow continue. */
function sendState({ client, identity, feed, channel, knownSeq, succeed }: Subscription, seq: number): void {
  const { lastStatus } = feed;
  const status = statusNotice(channel, lastStatus && lastStatus.seq > knownSeq ? lastStatus : null);
  const pairing = snapshotPairing(identity, channel);
  succeed({ channelId: channel.channelId, status: status.payload.status, seq });
  client.send(asSnapshot(status));
  if (pairing) client.send(asSnapshot(pairing));
}

/** Sends the current state and the missed events, and joins in the same turn as it sends the last of them. */
function follow(
  deps: SubscribeDeps,
  subscription: Subscription,
  buffer: ReplayBuffer,
  seq: number,
): Promise<boolean> {
  const { client, identity, feed, channel } = subscription;
  const audiences = audiencesOf(identity.caller);
  sendState(subscription, seq);
  const join = (sentSeq: number) => {
    const pairing = snapshotPairing(identity, channel);
    for (const notice of buffer.after(sentSeq)) {
      if (audiences.includes(notice.audience) && !isSamePairing(notice, pairing)) client.send(notice);
    }
    client.join(channel.channelId, feed, identity);
  };
  return replay({ ...deps, client, feed, buffer, audiences, join }, seq);
}

function snapshotPairing({ caller }: ClientIdentity, channel: PresentChannel): Notice | null {
  return audiencesOf(caller).includes("pairing") ? pairingNotice(channel) : null;
}

function leave(client: Client, channelId: string, feeds: Feeds): void {
  const feed = client.subscriptions.get(channelId);
  client.leave(channelId);
  if (feed) feeds.release(feed);
}

async function readableChannel(
  { db, limits }: SubscribeDeps,
  { caller }: ClientIdentity,
  channelId: string,
): Promise<PresentChannel> {
  const channel = await databaseAnswer(presentChannel(db, channelId), limits.requestMs);
  if (!channel) throw new ServiceError("channel_not_found");
  if (!audiencesOf(caller).includes("status")) {
    throw new ServiceError(
      "insufficient_scope",
      `Subscribing requires the scope ${subscribingScopes.join(" or ")}`,
    );
  }
  return channel;
}

function identityOf(client: Client): ClientIdentity {
  if (!client.identity) throw new ServiceError("missing_api_key", "Authenticate first");
  return client.identity;
}

function assertBelowLimit(
  client: Client,
  channelId: string,
  { subscriptionsPerSocketMax }: GatewayLimits,
): void {
  if (client.subscriptions.has(channelId) || client.subscriptions.size < subscriptionsPerSocketMax) return;
  throw new ServiceError(
    "rate_limited",
    `A socket may subscribe to at most ${subscriptionsPerSocketMax} channels`,
  );
}

function asSnapshot({ payload, ...notice }: Notice): Notice {
  return { ...notice, payload: { ...payload, snapshot: true } };
}

function isSamePairing(notice: Notice, pairing: Notice | null): boolean {
  return pairing !== null && notice.audience === "pairing" && pairingKey(notice) === pairingKey(pairing);
}
