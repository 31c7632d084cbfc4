import pLimit from "p-limit";
import type { Caller, KeyCollections } from "#shared/authentication.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Client, ClientIdentity } from "./client.ts";
import { credentialId, verify } from "./credential.ts";
import { type SocketSessions, sessionOf } from "./socket-sessions.ts";

export interface RecheckDeps {
  db: KeyCollections;
  sessions: SocketSessions;
  clients: () => Iterable<Client>;
  everyMs: number;
  log: Logger;
  signal: AbortSignal;
}

/** Keys that are verified at once. */
const concurrency = 8;

/** Closes the sockets of keys and sessions that were revoked, ended or changed since they were presented. */
export async function keepRechecking(deps: RecheckDeps): Promise<void> {
  const { everyMs, signal } = deps;
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    if (signal.aborted) return;
    await recheck(deps);
    await keepSessions(deps);
  }
}

/** Lets the clients that are connected now return when they lose their connection before the next time. */
async function keepSessions({ clients, sessions, log }: RecheckDeps): Promise<void> {
  try {
    await sessions.keep([...clients()].flatMap((client) => sessionOf(client) ?? []));
  } catch (error) {
    log.warn(
      { event: "sessions_not_kept", ...errorTrace(error) },
      "gateway could not keep its clients' identities",
    );
  }
}

async function recheck({ db, clients, log }: RecheckDeps): Promise<void> {
  const groups = byCredential(clients()).values();
  await pLimit(concurrency).map(groups, (group) => recheckOne(db, group, log));
}

interface Group {
  identity: ClientIdentity;
  clients: Client[];
}

async function recheckOne(db: KeyCollections, { identity, clients }: Group, log: Logger): Promise<void> {
  try {
    const caller = await verify(db, identity.credential);
    // Closed like a lost connection: the client reconnects, with the key's new rights.
    if (!isSameGrant(caller, identity.caller)) for (const client of clients) client.socket.conn.close();
  } catch (error) {
    if (error instanceof ServiceError) for (const client of clients) client.end(error);
    else log.warn({ event: "key_recheck_failed", ...errorTrace(error) }, "gateway could not recheck a key");
  }
}

function byCredential(clients: Iterable<Client>): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const client of clients) {
    const { identity } = client;
    if (!identity) continue;
    const id = credentialId(identity.credential);
    const group = groups.get(id) ?? { identity, clients: [] };
    group.clients.push(client);
    groups.set(id, group);
  }
  return groups;
}

function isSameGrant(a: Caller, b: Caller): boolean {
  return JSON.stringify([a.scopes, a.channels]) === JSON.stringify([b.scopes, b.channels]);
}
