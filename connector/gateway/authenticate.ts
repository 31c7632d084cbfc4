import type { Collections } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import type { Feeds } from "./channel-feeds.ts";
import { type Client, greeting, type RequestHandler } from "./client.ts";
import { clientRequests } from "./client-request.ts";
import { verify } from "./credential.ts";
import type { GatewayLimits } from "./limits.ts";

/**
 * Answers `authenticate`. A failed try leaves the socket as it was: the console's cookie may have authenticated it
 * already. A different key ends the subscriptions of the previous one.
 */
export function authenticateHandler(db: Collections, feeds: Feeds, limits: GatewayLimits): RequestHandler {
  return async (client, payload, succeed) => {
    try {
      const { apiKey } = parseWith(clientRequests.authenticate.payload, payload);
      const credential = { kind: "key", secret: apiKey ?? "" } as const;
      const caller = await databaseAnswer(verify(db, credential), limits.requestMs);
      if (client.identity?.caller.keyId !== caller.keyId) leaveAll(client, feeds);
      client.identify({ caller, credential });
      succeed(greeting(caller));
    } catch (error) {
      if (isClientError(error)) client.failedTries += 1;
      throw error;
    }
  };
}

/** Ends all subscriptions of a client. */
export function leaveAll(client: Client, feeds: Feeds): void {
  for (const [channelId, feed] of [...client.subscriptions]) {
    client.leave(channelId);
    feeds.release(feed);
  }
}

function isClientError(error: unknown): boolean {
  return error instanceof ServiceError && error.status < 500;
}
