import type { Collections } from "../../shared/database.ts";
import { databaseAnswer } from "../../shared/database-answer.ts";
import { ServiceError } from "../../shared/errors.ts";
import { coversChannel } from "../../shared/scopes.ts";
import { parseWith } from "../../shared/validation.ts";
import { audiencesOf, subscribingScopes } from "./audience.ts";
import { type ChannelFeed, type Hold, pairingKey } from "./channel-feed.ts";
import type { Client, Handler, Identity } from "./client.ts";
import { clientRequests } from "./client-request.ts";
import type { Feeds } from "./feeds.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Notice } from "./notice.ts";
import { presentChannel } from "./present-channel.ts";
import { type PresentChannel, pairingNotice, statusNotice } from "./snapshot.ts";

export interface SubscribeDeps {
  db: Collections;
  feeds: Feeds;
  limits: GatewayLimits;
}

/** Answers `subscribe_channel`: `subscribed`, the present state, what happened meanwhile, and from then on live. */
export function subscribeHandler(deps: SubscribeDeps): Handler {
  return async (client, payload, succeed) => {
    const identity = identityOf(client);
    const { channelId } = parseWith(clientRequests.subscribe_channel.payload, payload);
    assertRoom(client, channelId, deps.limits);
    if (!coversChannel(identity.caller, channelId)) throw new ServiceError("channel_not_found");
    const feed = deps.feeds.retain(channelId);
    let isJoined = false;
    try {
      await databaseAnswer(feed.ready, deps.limits.requestMs);
      using hold = feed.hold();
      const channel = await readableChannel(deps, identity, channelId);
      if (hold.isFull) throw new ServiceError("rate_limited", "The channel is too busy to join just now");
      isJoined = client.socket.connected && !client.subscriptions.has(channelId);
      begin({ client, identity, feed, channel, hold, succeed, isNew: isJoined });
    } finally {
      if (!isJoined) deps.feeds.release(feed);
    }
  };
}

/** Answers `unsubscribe_channel`; leaving what was not joined succeeds too. */
export function unsubscribeHandler({ feeds }: Pick<SubscribeDeps, "feeds">): Handler {
  return async (client, payload, succeed) => {
    identityOf(client);
    const { channelId } = parseWith(clientRequests.unsubscribe_channel.payload, payload);
    const feed = client.subscriptions.get(channelId);
    client.leave(channelId);
    if (feed) feeds.release(feed);
    succeed({ channelId });
  };
}

interface Beginning {
  client: Client;
  identity: Identity;
  feed: ChannelFeed;
  channel: PresentChannel;
  hold: Hold;
  succeed: (answer: object) => void;
  isNew: boolean;
}

/** All in one turn of the event loop, so that nothing is relayed in between. */
function begin({ client, identity, feed, channel, hold, succeed, isNew }: Beginning): void {
  const { channelId } = channel;
  const heard = audiencesOf(identity.caller);
  const status = statusNotice(channel, feed.lastStatus);
  const pairing = heard.includes("pairing") ? pairingNotice(channel, new Date()) : null;
  succeed({ channelId, status: status.payload.status, seq: isNew ? hold.seq : feed.seq });
  client.tell(asSnapshot(status));
  if (pairing) client.tell(asSnapshot(pairing));
  if (!isNew) return;
  for (const notice of hold.notices) {
    if (heard.includes(notice.audience) && !isSamePairing(notice, pairing)) client.tell(notice);
  }
  client.join(channelId, feed, identity);
}

async function readableChannel(
  { db, limits }: SubscribeDeps,
  { caller }: Identity,
  channelId: string,
): Promise<PresentChannel> {
  const channel = await databaseAnswer(presentChannel(db, channelId), limits.requestMs);
  if (!channel) throw new ServiceError("channel_not_found");
  if (!audiencesOf(caller).includes("status")) {
    throw new ServiceError(
      "insufficient_scope",
      `Subscribing needs the scope ${subscribingScopes.join(" or ")}`,
    );
  }
  return channel;
}

function identityOf(client: Client): Identity {
  if (!client.identity) throw new ServiceError("missing_api_key", "Authenticate first");
  return client.identity;
}

function assertRoom(client: Client, channelId: string, { subscriptionsPerSocketMax }: GatewayLimits): void {
  if (client.subscriptions.has(channelId) || client.subscriptions.size < subscriptionsPerSocketMax) return;
  throw new ServiceError("rate_limited", `A socket may listen to ${subscriptionsPerSocketMax} channels`);
}

function asSnapshot({ payload, ...notice }: Notice): Notice {
  return { ...notice, payload: { ...payload, snapshot: true } };
}

function isSamePairing(notice: Notice, pairing: Notice | null): boolean {
  return pairing !== null && notice.audience === "pairing" && pairingKey(notice) === pairingKey(pairing);
}
