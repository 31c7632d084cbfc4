import { databaseAnswer } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import type { Feeds } from "./channel-feeds.ts";
import { type Client, greeting, type RequestHandler } from "./client.ts";
import { clientRequests } from "./client-request.ts";
import { keyCredential, verify } from "./credential.ts";
import type { GatewayParts } from "./gateway-parts.ts";
import { sessionOf } from "./socket-sessions.ts";

/**
 * Answers `authenticate`. A failed try leaves the socket as it was: the console's cookie may have authenticated it
 * already. A different key ends the subscriptions of the previous one.
 */
export function authenticateHandler(deps: GatewayParts): RequestHandler {
  const { db, connections, feeds, limits } = deps;
  return async (client, payload, succeed) => {
    try {
      const { apiKey } = parseWith(clientRequests.authenticate.payload, payload);
      const credential = keyCredential(apiKey ?? "");
      const caller = await databaseAnswer(verify(db, credential), limits.requestMs);
      if (client.identity?.caller.keyId !== caller.keyId) leaveAll(client, feeds);
      client.identify({ caller, credential });
      connections.accept(client.connection);
      await keepSession(deps, client);
      succeed(greeting(caller));
    } catch (error) {
      if (isClientError(error)) client.failedTries += 1;
      throw error;
    }
  };
}

/** Keeps the identity of a client that may lose its connection. Without the database, it must present its key again. */
async function keepSession({ sessions, limits, log }: GatewayParts, client: Client): Promise<void> {
  const session = sessionOf(client);
  if (!session) return;
  try {
    await databaseAnswer(sessions.keep([session]), limits.requestMs);
  } catch (error) {
    log.warn(
      { event: "session_not_kept", ...errorTrace(error) },
      "gateway could not keep a client's identity",
    );
  }
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
