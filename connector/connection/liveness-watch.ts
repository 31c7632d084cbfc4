import type { WASocket } from "../baileys/baileys.ts";
import type { IntakeListener } from "../baileys/intake.ts";
import type { Timings } from "../timings.ts";
import { createLivenessProbe, type LivenessProbe, type StageName } from "./liveness-probe.ts";
import { livenessStages } from "./liveness-stages.ts";

/** Watches whether messages can still arrive over a socket. */
export interface LivenessWatch {
  /** The listener to give to the socket: counts messages and statuses, and passes them on. */
  intake: IntakeListener;
  /** Call it when the socket is open. */
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

/** How many checks fit into the silence after which the wire is probed. */
const checksPerQuiet = 4;

/** Wraps `wa.waitForMessage`, because a missing acknowledgement is a reason to probe at once. */
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
        // One receipt may name hundreds of messages. Counting each shows progress while a slow log takes them.
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
          wa,
          waitingBytes,
          quietMs: timings.probeQuietMs,
          answerMs: timings.probeMs,
          stuckMs: timings.stuckMs,
          handedOver: () => handedOver,
          published: () => published,
          allPublished: () => listener.allPublished(),
        }),
        everyMs: timings.probeQuietMs / checksPerQuiet,
        onStalled,
      });
    },
    stop: () => probe?.stop(),
  };
}
