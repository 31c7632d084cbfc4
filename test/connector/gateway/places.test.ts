import { expect, test } from "vitest";
import { createPlaces } from "../../../connector/gateway/places.ts";

test("so many run at once, the others in the order they came, also after one that failed", async () => {
  const places = createPlaces(2);
  const [running, ended]: [Set<number>, number[]] = [new Set(), []];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const tasks = gates.map(({ promise }, n) =>
    places(async () => {
      running.add(n);
      await promise.finally(() => running.delete(n));
      ended.push(n);
    }),
  );
  const started = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return [...running];
  };
  expect(await started()).toEqual([0, 1]);
  gates[1]?.reject(new Error("no"));
  await expect(tasks[1]).rejects.toThrow("no");
  expect(await started()).toEqual([0, 2]);
  for (const { resolve } of gates) resolve();
  await Promise.allSettled(tasks);
  expect(ended).toEqual([0, 2, 3, 4]);
  expect(await places(async () => "free")).toBe("free");
});
