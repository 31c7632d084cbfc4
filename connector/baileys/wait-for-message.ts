import type { WASocket } from "./baileys.ts";

/**
 * Replaces `wa.waitForMessage` by one that does the same, without the two stack traces and the exception that Baileys makes for
 * each wait: 1 % of the processor that a send takes. Resolves to undefined after `timeoutMs`, and rejects when the WebSocket
 * closes or fails.
 */
export function waitWithoutTraces(wa: Pick<WASocket, "ws" | "waitForMessage">): void {
  const { ws, waitForMessage } = wa;
  wa.waitForMessage = <T>(id: string, timeoutMs?: number) => {
    if (!timeoutMs) return waitForMessage<T>(id, timeoutMs);
    const tag = `TAG:${id}`;
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const fail = (error?: unknown) => reject(error ?? new Error("Connection Closed"));
    const timer = setTimeout(resolve, timeoutMs, undefined);
    ws.on(tag, resolve).on("close", fail).on("error", fail);
    return promise.finally(() => {
      clearTimeout(timer);
      ws.off(tag, resolve).off("close", fail).off("error", fail);
    });
  };
}
