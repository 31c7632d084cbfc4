/** Why there is no embedded MongoDB, or none any more. The message is complete and meant for the person at the terminal. */
export class EmbeddedMongoError extends Error {
  override readonly name = "EmbeddedMongoError";
  readonly code: EmbeddedMongoErrorCode;

  constructor(code: EmbeddedMongoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `no_server`: no source gave a mongod that runs here. `data_in_use`: another process has the data folder.
 * `data_unreadable`: what is remembered beside the data is damaged. `not_started`: mongod ended or never became primary. `ended`: it ran, and ended without having been asked to.
 */
export type EmbeddedMongoErrorCode =
  | "no_server"
  | "data_in_use"
  | "data_unreadable"
  | "not_started"
  | "ended";
