/** The parts of the way that news takes, from WhatsApp to the event log. */
export type StageName = "wire" | "messages" | "keys" | "log";

/** One part, and how to tell whether it still carries anything. */
export interface Stage {
  name: StageName;
  /** How long something may take to pass. */
  deadlineMs: number;
  /** Whether it is worth probing now. */
  isDoubtful(): boolean;
  /** Sends something through; resolves when it has passed, and rejects or stays pending when it has not. */
  pass(): Promise<unknown>;
  /** Rises with whatever else passes: what is busy and goes on is not stuck. */
  progress(): number;
}

/** Finds the part that carries nothing any more, by sending something through it. */
export interface LivenessProbe {
  /** Probes every part now, doubtful or not. */
  hurry(): void;
  stop(): void;
}

export interface LivenessProbeOptions {
  stages: readonly Stage[];
  /** How often to look for doubtful parts. */
  everyMs: number;
  /** Nothing passed twice in a row: once, and then no more probes. */
  onStalled(stage: StageName): void;
}

/**
 * Silence alone says nothing: a healthy session can be quiet for days. So each doubtful part is sent something, and a
 * part is deaf when that fails twice in a row; once may be this process, which was held up.
 */
export function createLivenessProbe({ stages, everyMs, onStalled }: LivenessProbeOptions): LivenessProbe {
  const probed = new Set<StageName>();
  let isStopped = false;

  const stop = () => {
    isStopped = true;
    clearInterval(looking);
  };
  const carries = async (stage: Stage) => {
    const before = stage.progress();
    return (await passesInTime(stage)) || stage.progress() > before;
  };
  const probe = async (stage: Stage) => {
    if (isStopped || probed.has(stage.name)) return;
    probed.add(stage.name);
    const isDeaf = !(await carries(stage)) && !isStopped && !(await carries(stage));
    probed.delete(stage.name);
    if (!isDeaf || isStopped) return;
    stop();
    onStalled(stage.name);
  };
  const looking = setInterval(() => {
    for (const stage of stages) if (stage.isDoubtful()) void probe(stage);
  }, everyMs);

  return {
    hurry() {
      for (const stage of stages) void probe(stage);
    },
    stop,
  };
}

function passesInTime({ pass, deadlineMs }: Stage): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), deadlineMs);
    const settle = (hasPassed: boolean) => {
      clearTimeout(timer);
      resolve(hasPassed);
    };
    pass().then(
      () => settle(true),
      () => settle(false),
    );
  });
}
