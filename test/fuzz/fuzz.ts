import { parseArgs } from "node:util";
import { startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { terminalProgress } from "#infra/mongo/progress.ts";
import { runMain } from "#shared/run-main.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import type { FuzzCounts } from "./fuzzer.ts";
import { fuzzers } from "./fuzzers.ts";
import { summary } from "./run-cases.ts";

/** `npm run test:fuzz`: attacks the product with random input; exits with 0 only if there was an attack and it held each time. */
await runMain(async (asked) => {
  const { values } = parseArgs({
    options: {
      kind: { type: "string", default: "" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: "string", default: "5" },
      first: { type: "string", default: "0" },
      cases: { type: "string", default: String(Number.MAX_SAFE_INTEGER) },
    },
  });
  const wanted = fuzzers.filter(({ name }) => values.kind === "" || name === values.kind);
  const names = fuzzers.map(({ name }) => name).join(", ");
  const numbers = (["seed", "minutes", "first", "cases"] as const).filter(
    (name) => !(Number(values[name]) >= 0),
  );
  const mistakes = [
    ...(wanted.length > 0 ? [] : [`--kind must be one of ${names}`]),
    ...numbers.map((name) => `--${name} must be a number`),
  ];
  if (mistakes.length > 0) {
    process.stderr.write(`${mistakes.join("\n")}\n`);
    process.exitCode = 1;
    return;
  }
  const stopping = new AbortController();
  void asked.then(() => stopping.abort());
  const { say: report } = terminalProgress(process.stdout);
  await using folder = await temporaryFolder();
  await using mongo = await startEmbeddedMongo({
    dataDir: folder.path,
    env: process.env,
    progress: terminalProgress(process.stdout),
    signal: AbortSignal.timeout(15 * 60_000),
  });
  const total: FuzzCounts = { passed: 0, failures: [] };
  for (const { name, run } of wanted) {
    if (stopping.signal.aborted) break;
    report(`${name}: --seed ${values.seed} --minutes ${values.minutes}`);
    const counts = await run({
      seed: Number(values.seed),
      first: Number(values.first),
      budget: { casesMax: Number(values.cases), msMax: (Number(values.minutes) * 60_000) / wanted.length },
      database: { uri: mongo.uri },
      report: (line) => report(`${name}: ${line}`),
      signal: stopping.signal,
    });
    report(`${name}: ${summary(counts)}`);
    total.passed += counts.passed;
    total.failures.push(...counts.failures);
  }
  report(summary(total));
  if (total.failures.length > 0 || total.passed === 0) process.exitCode = 1;
});
