/** The rejection of work on a socket that is gone. */
export class SocketGoneError extends Error {
  override readonly name = "SocketGoneError";
}
