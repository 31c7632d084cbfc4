/** The state of a send that goes on its way before its command is durable. */
export interface DirectSend {
  /** Resolves when the command is durable. */
  stored: Promise<void>;
  clearance: Promise<Clearance>;
}

/**
 * Whether a direct send may go out. `behind`: something is queued that was there first; `exists`: somebody else has inserted it,
 * and it is theirs.
 */
export type Clearance = "clear" | "behind" | "exists" | "deleted";
