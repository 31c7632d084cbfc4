import { expect, test } from "vitest";
import { metrics, scenarioNames } from "./metrics.ts";
import { figures, table } from "./report.ts";

test("figures are medians over the rounds, with the ratio of the medians and the goal", () => {
  const [qr, connected] = figures({
    pair: {
      bare: [
        { qrMs: 20, connectedMs: 100 },
        { qrMs: 90, connectedMs: 100 },
        { qrMs: 30, connectedMs: 100 },
      ],
      waypost: [{ qrMs: 45, connectedMs: 200 }],
    },
  });
  expect(qr).toMatchObject({
    medians: { bare: 30, waypost: 45 },
    ratio: 1.5,
    goal: "ratio ≤ 2",
    isMet: true,
  });
  expect(connected).toMatchObject({ ratio: 2, goal: "ratio ≤ 0.8", isMet: false });
});

test("a figure of one program alone has no ratio, and a goal of its own is judged", () => {
  const all = figures({ "send-20": { waypost: [{ rate: 50, cpuMs: 4 }] } });
  const [rate, cpu, gateway] = all;
  expect(rate).toMatchObject({ ratio: null, goal: "ratio ≥ 0.6", isMet: null });
  expect(cpu).toMatchObject({ medians: { waypost: 4 }, goal: "≤ 5", isMet: true });
  expect(gateway).toMatchObject({ medians: {}, goal: null });
});

test("the ratio of two processes is that to one", () => {
  const [figure] = figures({ split: { waypost: [{ answeredP50: 40 }], split: [{ answeredP50: 50 }] } });
  expect(figure).toMatchObject({ ratio: 1.25, isMet: true });
});

test("the table has a column per program", () => {
  const all = figures({ restart: { bare: [{ backS: 3.14 }], waypost: [{ backS: 13.2 }] } });
  expect(table(all, ["bare", "waypost"])).toEqual([
    "| scenario | figure                             | bare | waypost | ratio | goal          |",
    "| -------- | ---------------------------------- | ---- | ------- | ----- | ------------- |",
    "| restart  | all channels back after SIGKILL, s | 3.14 | 13.2    | 4.2   | ratio ≤ 1.5 ✗ |",
  ]);
});

test("every scenario has a figure", () => {
  expect(new Set(metrics.map(({ scenario }) => scenario))).toEqual(new Set(scenarioNames));
});
