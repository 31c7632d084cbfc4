import { randomBytes } from "node:crypto";
import { hashSecret } from "#shared/api-key.ts";
import type { Collections } from "#shared/database.ts";
import type { Client } from "./client.ts";

/** The hash of a key that a client had presented, under the secret of its socket. */
export interface SocketSession {
  pid: string;
  keyHash: string;
}

/** The session of a client; none for one that repeats its key, or has the console's cookie, by itself. */
export function sessionOf({ pid, identity }: Pick<Client, "pid" | "identity">): SocketSession | null {
  if (!pid || identity?.credential.kind !== "key") return null;
  return { pid, keyHash: identity.credential.hash };
}

/** Sessions that one write keeps. */
const batchRows = 1_000;

/** A secret for a socket: unguessable, since whoever has it has the rights of the socket's key. */
export function newSocketSecret(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * Keeps the identity of clients that present their key once, when the page loads: socket.io's client repeats the `pid`
 * of its last connection by itself. Only the identity is kept, not what the socket had subscribed to, and only the hash
 * of the key, which is verified again. The database keeps it, so that a client may return to another connector.
 */
export class SocketSessions {
  readonly #db: Pick<Collections, "socketSessions">;
  readonly #returnMs: number;

  constructor(db: Pick<Collections, "socketSessions">, returnMs: number) {
    this.#db = db;
    this.#returnMs = returnMs;
  }

  /** Keeps sessions for another `returnMs`, by the database's clock. */
  async keep(sessions: readonly SocketSession[]): Promise<void> {
    const expiresAt = { $add: ["$$NOW", this.#returnMs] };
    for (let from = 0; from < sessions.length; from += batchRows) {
      const writes = sessions.slice(from, from + batchRows).map(({ pid, keyHash }) => ({
        updateOne: {
          filter: { _id: hashSecret(pid) },
          update: [{ $set: { keyHash: { $literal: keyHash }, expiresAt } }],
          upsert: true,
        },
      }));
      await this.#db.socketSessions.bulkWrite(writes, { ordered: false });
    }
  }

  async forget(pid: string): Promise<void> {
    await this.#db.socketSessions.deleteOne({ _id: hashSecret(pid) });
  }

  /** The hash of the key that the socket with this secret had presented; null if it was too long ago. */
  async keyHashOf(pid: string): Promise<string | null> {
    const isKept = { $gt: ["$expiresAt", "$$NOW"] };
    const session = await this.#db.socketSessions.findOne({ _id: hashSecret(pid), $expr: isKept });
    return session?.keyHash ?? null;
  }
}
