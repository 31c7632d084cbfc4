/** The embedded MongoDB could not start, or exited. The message is complete, for the person at the terminal. */
export class EmbeddedMongoError extends Error {
  override readonly name = "EmbeddedMongoError";
  readonly code: EmbeddedMongoErrorCode;

  constructor(code: EmbeddedMongoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `no_server`: no source offered a mongod that runs here. `data_in_use`: another process uses the data folder.
 * `data_unreadable`: the stamp next to the data is damaged. `not_started`: mongod exited or never became primary.
 * `ended`: mongod exited unexpectedly.
 */
export type EmbeddedMongoErrorCode =
  | "no_server"
  | "data_in_use"
  | "data_unreadable"
  | "not_started"
  | "ended";
