import { expect, test } from "vitest";
import { SocketGoneError, untilGone } from "../../connector/until-gone.ts";

const never = new Promise<never>(() => undefined);

test("work that ends in time gives what it gives, good or bad", async () => {
  const { signal } = new AbortController();
  await expect(untilGone(Promise.resolve("answer"), signal)).resolves.toBe("answer");
  await expect(untilGone(Promise.reject(new Error("refused")), signal)).rejects.toThrow("refused");
});

test("work that hangs is over when its socket is gone, before or after it began", async () => {
  const gone = new AbortController();
  const waiting = untilGone(never, gone.signal);
  gone.abort();
  await expect(waiting).rejects.toBeInstanceOf(SocketGoneError);
  await expect(untilGone(never, gone.signal)).rejects.toBeInstanceOf(SocketGoneError);
});
