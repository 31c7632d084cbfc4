import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";

/** `npm run check`: runs the checks beside each other, prints each one's output in one piece, and names those that fail. */
const checks = ["format", "types", "unused", "spelling"];
const failed: string[] = [];

async function run(check: string): Promise<void> {
  const running = spawn(process.execPath, ["--run", `check:${check}`], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(running, "close");
  const [out, err, [code]] = await Promise.all([buffer(running.stdout), buffer(running.stderr), ended]);
  process.stdout.write(`check:${check} ${code === 0 ? "passed" : "failed"}\n`);
  process.stdout.write(out);
  process.stderr.write(err);
  if (code !== 0) failed.push(`check:${check}`);
}

await Promise.all(checks.map(run));
if (failed.length > 0) process.stderr.write(`Failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
