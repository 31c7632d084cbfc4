/** What a promise on a socket rejects with once that socket is gone. */
export class SocketGoneError extends Error {
  override readonly name = "SocketGoneError";
}

/**
 * The work, or a `SocketGoneError` as soon as the socket it asks is gone: Baileys takes its own listeners off a socket
 * that ends, and lets what was asked over it wait for 30 s.
 */
export async function untilGone<T>(work: Promise<T>, gone: AbortSignal): Promise<T> {
  const lost = Promise.withResolvers<never>();
  const lose = () => lost.reject(new SocketGoneError("The socket is gone"));
  if (gone.aborted) lose();
  gone.addEventListener("abort", lose, { once: true });
  try {
    return await Promise.race([work, lost.promise]);
  } finally {
    gone.removeEventListener("abort", lose);
    // Whichever lost the race is heard by nobody.
    work.catch(() => undefined);
    lost.promise.catch(() => undefined);
  }
}
