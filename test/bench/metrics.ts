/** The figures of a benchmark, as data: which scenario measures each, what it is called, and the goal for it. */

export const scenarioNames = [
  "pair",
  "send",
  "send-20",
  "send-20x4",
  "receive",
  "split",
  "restart",
  "idle",
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** The programs that are compared. */
export type ProgramName = "bare" | "floor" | "waypost" | "split";

export interface Metric {
  scenario: ScenarioName;
  /** Its name in what the scenario returns. */
  key: string;
  label: string;
  /** Which two programs the ratio compares. */
  ratioOf: readonly [ProgramName, ProgramName];
  /** The most (or, with `isFloor`, the least) that the ratio, or Waypost's own figure, should be. */
  goal?: { of: "ratio" | "waypost"; value: number; isFloor?: true };
}

const toBare = ["waypost", "bare"] as const;
const atMost = (of: "ratio" | "waypost", value: number) => ({ goal: { of, value } });
const aim = (value: number) => ({ goal: { of: "ratio" as const, value, isFloor: true as const } });
type Row = [key: string, label: string, goal?: Pick<Metric, "goal">];

const cpu: Row[] = [
  ["gatewayMs", "CPU ms a message, gateway"],
  ["databaseMs", "CPU ms a message, mongod"],
];
const lost: Row = ["lost", "failed or lost, messages a round"];
const getMores: Row = ["getMores", "getMore a message"];

const rows: Record<ScenarioName, Row[]> = {
  pair: [
    ["qrMs", "connect → QR, ms", atMost("ratio", 2)],
    ["connectedMs", "scan → connected, ms", atMost("ratio", 0.8)],
  ],
  send: [
    ["wireP50", "send → wire p50, ms", atMost("ratio", 3)],
    ["wireP99", "send → wire p99, ms", atMost("ratio", 1.5)],
    ["answeredP50", "send → answered p50, ms"],
    ["cpuMs", "CPU ms a message"],
    ...cpu,
    ["commands", "commands a message", atMost("waypost", 8)],
    getMores,
  ],
  "send-20": [
    ["rate", "1 channel × 20, messages/s", aim(0.6)],
    ["cpuMs", "CPU ms a message", atMost("waypost", 5)],
    ...cpu,
    ["commands", "commands a message", atMost("waypost", 2)],
    getMores,
    ["wireP50", "send → wire p50, ms"],
    ["answeredP50", "send → answered p50, ms"],
    lost,
  ],
  "send-20x4": [
    ["rate", "20 channels × 4, messages/s", aim(0.5)],
    ["cpuMs", "CPU ms a message"],
    ...cpu,
    ["commands", "commands a message"],
    getMores,
    lost,
  ],
  receive: [
    ["p50", "received → client p50, ms", atMost("ratio", 3)],
    ["p99", "received → client p99, ms"],
    ["aloneCommands", "commands a message, alone"],
    ["rate", "flood, messages/s", aim(0.5)],
    ["cpuMs", "CPU ms a message in a flood", atMost("waypost", 1.5)],
    ...cpu,
    ["commands", "commands a message in a flood"],
    getMores,
    ["outOfOrder", "out of order in a flood"],
  ],
  split: [["answeredP50", "send → answered p50 as two processes, ms", atMost("ratio", 1.3)]],
  restart: [["backS", "all channels back after SIGKILL, s", atMost("ratio", 1.5)]],
  idle: [
    ["liveKb", "live heap a channel, KB", atMost("waypost", 250)],
    ["residentKb", "RSS a channel, KB", atMost("waypost", 1_200)],
    ["databaseKb", "RSS of mongod a channel, KB", atMost("waypost", 300)],
    ["storedKb", "rows and indexes of a channel, KB"],
    ["findsPerChannel", "reads a channel a second", atMost("waypost", 0.01)],
    ["commandsPerSecond", "commands a second"],
    ["getMoresPerSecond", "getMore a second"],
    ["gatewayPercent", "CPU of the gateway, %"],
    ["databasePercent", "CPU of mongod, %"],
  ],
};

export const metrics: readonly Metric[] = scenarioNames.flatMap((scenario) =>
  rows[scenario].map(
    ([key, label, goal]): Metric => ({
      scenario,
      key,
      label,
      ratioOf: scenario === "split" ? ["split", "waypost"] : toBare,
      ...goal,
    }),
  ),
);
