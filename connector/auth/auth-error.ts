/** Why stored credentials cannot be used or kept. None of these means "there are no credentials". */
export type AuthFault =
  | "unknown_master_key"
  | "unreadable"
  | "wrong_server"
  | "already_linked"
  | "no_credentials"
  | "overloaded"
  | "too_large"
  | "closed";

/** A failure of the auth state, final for its session except for `too_large`. The message is safe to log. */
export class AuthStateError extends Error {
  override readonly name = "AuthStateError";
  readonly fault: AuthFault;

  constructor(fault: AuthFault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.fault = fault;
  }
}
