/** The state of a send that goes on its way before its command is durable, or before its claim is. */
export interface DirectSend {
  /** Resolves when the command is durable, as claimed by this owner. Rejects if it is not. */
  stored: Promise<void>;
  clearance: Promise<Clearance>;
}

/**
 * Whether such a send may go out. `behind`: something is queued that was there first; `exists`: somebody else has inserted it,
 * and it is theirs; `not_claimed`: the claim took another send, or none.
 */
export type Clearance = "clear" | "behind" | "exists" | "not_claimed" | "deleted";
