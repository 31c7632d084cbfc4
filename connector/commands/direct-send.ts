/** The state of a send that goes on its way before its command is durable, or before it is claimed. */
export interface DirectSend {
  /** Resolves when the command is durable, as claimed. Rejects if it is not ours. */
  stored: Promise<void>;
  clearance: Promise<Clearance>;
}

/**
 * Whether such a send may go out. `behind`: something is queued that was there first; `exists`: somebody else has inserted it,
 * and it is theirs, or the claim did not get it.
 */
export type Clearance = "clear" | "behind" | "exists" | "deleted";
