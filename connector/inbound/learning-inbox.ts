import type { ChatTimers } from "../messages/chat-timers.ts";
import type { SessionScope } from "../session-scope.ts";
import type { Inbox } from "./inbox.ts";

/** An inbox that also learns the chats' timers. A message counts as received when both are stored. */
export function learningInbox(
  { fail }: Pick<SessionScope, "fail">,
  inbox: Inbox,
  chatTimers: Pick<ChatTimers, "learn">,
): Inbox {
  return {
    ...inbox,
    async received(batch) {
      // Learns first, so that an answer to the message runs under its timer.
      const learned = chatTimers.learn(batch.messages);
      learned.catch(fail);
      await Promise.all([inbox.received(batch), learned.catch(() => new Promise(() => undefined))]);
    },
  };
}
