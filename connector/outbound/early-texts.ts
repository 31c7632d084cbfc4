import type { Send } from "../commands/send-settlement.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";

/** Texts that are prepared before their turn, possibly in vain. Media is fetched and uploaded in its turn. */
export interface EarlyTexts {
  begin(send: Send, prepare: () => Promise<Prepared>): void;
  /** Undefined for a send that was not prepared early. */
  of(send: Send): Promise<Prepared> | undefined;
}

export function createEarlyTexts(): EarlyTexts {
  const early = new WeakMap<Send, Promise<Prepared>>();
  return {
    begin(send, prepare) {
      if (!isText(send)) return;
      const prepared = prepare();
      prepared.catch(() => undefined);
      early.set(send, prepared);
    },
    of: (send) => early.get(send),
  };
}

function isText({ payload }: Send): boolean {
  const { content } = Object(payload);
  return Object(content).type === "text";
}
