import type { WASocket } from "../baileys/baileys.ts";
import type { IntakeListener } from "../baileys/intake.ts";
import type { Timings } from "../timings.ts";
import { createLivenessProbe, type LivenessProbe, type StageName } from "./liveness-probe.ts";
import { livenessStages } from "./liveness-stages.ts";

/** Watches whether news can still come through a socket. */
export interface LivenessWatch {
  /** What the socket is to hand its news to: it counts them and passes them on. */
  intake: IntakeListener;
  /** From when the socket is open. */
  start(): void;
  stop(): void;
}

export interface LivenessWatchOptions {
  wa: WASocket;
  listener: IntakeListener & { allPublished(): Promise<void> };
  timings: Pick<Timings, "probeQuietMs" | "probeMs" | "stuckMs">;
  waitingBytes(): number;
  onStalled(stage: StageName): void;
}

/** How often to look, as a part of the silence after which the wire is asked. */
const looksPerQuiet = 4;

export function watchLiveness({
  wa,
  listener,
  timings,
  waitingBytes,
  onStalled,
}: LivenessWatchOptions): LivenessWatch {
  let handedOver = 0;
  let published = 0;
  let probe: LivenessProbe | null = null;

  // An answer that does not come is a reason to ask at once.
  const { waitForMessage } = wa;
  wa.waitForMessage = async <T>(id: string, timeoutMs?: number) => {
    const answer = await waitForMessage<T>(id, timeoutMs);
    if (answer === undefined) probe?.hurry();
    return answer;
  };

  return {
    intake: {
      async received(batch) {
        handedOver++;
        await listener.received(batch);
        published++;
      },
      updated(updates) {
        // One receipt may name hundreds: a log that is slow to take them goes on, too, and shows it.
        for (const update of updates) {
          handedOver++;
          listener.updated([update]);
          void listener.allPublished().then(() => published++);
        }
      },
    },
    start() {
      probe ??= createLivenessProbe({
        stages: livenessStages({
          ...{ wa, waitingBytes },
          quietMs: timings.probeQuietMs,
          answerMs: timings.probeMs,
          stuckMs: timings.stuckMs,
          handedOver: () => handedOver,
          published: () => published,
          allPublished: () => listener.allPublished(),
        }),
        everyMs: timings.probeQuietMs / looksPerQuiet,
        onStalled,
      });
    },
    stop: () => probe?.stop(),
  };
}
