import type { SessionScope } from "#connector/session-scope.ts";
import { quiet } from "../support/quiet-log.ts";

/** A session's scope without a session. It always owns its channel unless overridden; `errors` collects what fails it. */
export function sessionScope(overrides: Partial<SessionScope> = {}): SessionScope & { errors: unknown[] } {
  const errors: unknown[] = [];
  return {
    channelId: "a channel",
    ended: new AbortController().signal,
    now: Date.now,
    isOwner: () => true,
    fail: (error) => void errors.push(error),
    log: quiet,
    ...overrides,
    errors,
  };
}
