/** The stages that a received message passes, from WhatsApp to the event log. */
export type StageName = "wire" | "messages" | "keys" | "log";

/** One stage, and how to test whether anything still passes it. */
export interface Stage {
  name: StageName;
  /** How long the probe may take. */
  deadlineMs: number;
  /** Whether the stage needs a probe now. */
  isDoubtful(): boolean;
  /** Sends a probe through the stage; resolves when it has passed, rejects or stays pending when it has not. */
  pass(): Promise<unknown>;
  /** Rises with everything else that passes: a busy stage is not a stalled one. */
  progress(): number;
}

/** Finds a stalled stage by sending probes through it. */
export interface LivenessProbe {
  /** Probes every stage now, doubtful or not. */
  hurry(): void;
  stop(): void;
}

export interface LivenessProbeOptions {
  stages: readonly Stage[];
  /** How often to check for doubtful stages. */
  everyMs: number;
  /** Called once, when nothing passed a stage twice in a row; probing ends with it. */
  onStalled(stage: StageName): void;
}

/**
 * Probes doubtful stages, because silence alone proves nothing: a healthy session can be quiet for days. A stage is stalled
 * when its probe fails twice in a row; a single failure may mean that this process was suspended.
 */
export function createLivenessProbe({ stages, everyMs, onStalled }: LivenessProbeOptions): LivenessProbe {
  const probed = new Set<StageName>();
  let isStopped = false;

  const stop = () => {
    isStopped = true;
    clearInterval(timer);
  };
  const carries = async (stage: Stage) => {
    const before = stage.progress();
    return (await passesInTime(stage)) || stage.progress() > before;
  };
  const probe = async (stage: Stage) => {
    if (isStopped || probed.has(stage.name)) return;
    probed.add(stage.name);
    const isStalled = !(await carries(stage)) && !isStopped && !(await carries(stage));
    probed.delete(stage.name);
    if (!isStalled || isStopped) return;
    stop();
    onStalled(stage.name);
  };
  const timer = setInterval(() => {
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
