/** What work on a socket rejects with once that socket is gone. */
export class SocketGoneError extends Error {
  override readonly name = "SocketGoneError";
}
