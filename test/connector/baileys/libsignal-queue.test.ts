import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { assertLibsignalQueueBound } from "#connector/baileys/libsignal-queue.ts";
import { doorArgs } from "#test/support/runtime.ts";

type QueueJob = (bucket: string, work: () => Promise<unknown>) => Promise<unknown>;

const require = createRequire(import.meta.url);
const queuePath = require.resolve("libsignal/src/queue_job.js");
const modulePath = fileURLToPath(new URL("../../../connector/baileys/libsignal-queue.ts", import.meta.url));

/** The context in which a job runs that was queued behind a job of another context. */
async function contextOfSecondJob(queueJob: QueueJob): Promise<string | undefined> {
  const context = new AsyncLocalStorage<string>();
  const gate = Promise.withResolvers<void>();
  const first = context.run("first", () => queueJob("one bucket", () => gate.promise));
  const second = context.run("second", () => queueJob("one bucket", async () => context.getStore()));
  gate.resolve();
  await first;
  return (await second) as string | undefined;
}

test("a queued job runs in its own caller's context", async () => {
  assertLibsignalQueueBound();
  expect(await contextOfSecondJob(require(queuePath))).toBe("second");
});

test("libsignal's own queue runs a job in another caller's context, so the test above can fail", async () => {
  const bound = require.cache[queuePath];
  delete require.cache[queuePath];
  const original: QueueJob = require(queuePath);
  require.cache[queuePath] = bound;
  expect(await contextOfSecondJob(original)).toBe("first");
});

test("binding the queue fails if libsignal has been loaded before", () => {
  const late = `import "libsignal"; await import(${JSON.stringify(modulePath)});`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", late], {
    encoding: "utf8",
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain("libsignal was loaded before its queue could be bound");
});

test("baileys.ts loads in a fresh process", () => {
  const door = fileURLToPath(new URL("../../../connector/baileys/baileys.ts", import.meta.url));
  const { status } = spawnSync(process.execPath, [...doorArgs, door], { encoding: "utf8" });
  expect(status).toBe(0);
});
