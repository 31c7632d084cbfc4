import type { Look } from "#shared/local-connector.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Clearance } from "../commands/direct-send.ts";

/**
 * The looks at a channel's queue for direct sends. One that finds something queued pauses direct sends, which would be encrypted
 * in vain; one that begins later and finds nothing ends the pause.
 */
export interface Looks {
  /** Whether something was found in the queue, and nothing was since. */
  isBehind(): boolean;
  /** Whether one may begin: during a pause, one a second. */
  mayBegin(): boolean;
  /** Begins one. It shows all that was accepted before the request with which it begins. */
  begin(): Look;
  /** The clearance of a send, by this look or, when that is absent or old, by one that begins now. Rejects as the look does. */
  clearance(look: Look | undefined): Promise<Clearance>;
}

/** A command that is due only later is found by every look. */
const pauseMs = 1_000;
/** How old a look may be: the request's body may take long to arrive. */
const lookMs = 100;

export function createLooks(queue: Pick<CommandQueue, "look">): Looks {
  let isBehind = false;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  const pause = () => {
    pausedUntil = performance.now() + pauseMs;
  };

  const begin = (): Look => {
    const open = queue.look();
    const endsPause = isBehind;
    if (endsPause) pause();
    open.then(
      ({ hasQueued }) => {
        if (endsPause && !hasQueued) isBehind = false;
      },
      () => undefined,
    );
    return { at: performance.now(), open };
  };

  return {
    isBehind: () => isBehind,
    mayBegin: () => !isBehind || performance.now() >= pausedUntil,
    begin,
    async clearance(look) {
      const { open } = look && performance.now() < look.at + lookMs ? look : begin();
      const { hasQueued, isDeleted } = await open;
      if (isDeleted) return "deleted";
      if (!hasQueued) return "clear";
      isBehind = true;
      pause();
      return "behind";
    },
  };
}
