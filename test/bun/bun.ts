import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { installedBun, needsBun } from "../support/runtime.ts";
import { skippedTests } from "./skipped.ts";

/** `npm run test:bun`: runs the tests of the connector and of what it shares on Bun. Exits with 2 when Bun is not installed. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const bun = installedBun();

if (!bun) {
  process.stderr.write(`${needsBun}\n`);
  process.exitCode = 2;
} else {
  const asked = process.argv.slice(2);
  process.stdout.write("The connector's tests on Bun. Skipped:\n");
  for (const { file, name, reason } of skippedTests)
    process.stdout.write(`- ${file}${name ? `: ${name}` : ""} (${reason})\n`);
  const excluded = skippedTests.flatMap(({ file, name }) => (name ? [] : [`--exclude=${file}`]));
  const names = skippedTests.flatMap(({ name }) =>
    name ? [name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")] : [],
  );
  const pattern = names.length > 0 ? [`--testNamePattern=^(?!.*(?:${names.join("|")})$)`] : [];
  // Bun's child processes lack what vitest's pool of forks needs.
  const pool = ["--pool=threads", "--maxWorkers=2"];
  const tests = asked.length > 0 ? asked : ["test/connector", "test/shared"];
  const args = ["--bun", vitest, "run", ...pool, ...excluded, ...pattern, ...tests];
  const running = spawn(bun.file, args, { cwd: root, stdio: "inherit" });
  const [code] = await once(running, "exit");
  process.exitCode = typeof code === "number" ? code : 1;
}
