import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { doorArgs } from "#test/support/runtime.ts";

interface Secrets {
  /** 32 bytes each, hex. */
  keys: string[];
  words: string[];
}

const scenario = fileURLToPath(new URL("leak-scenario.child.ts", import.meta.url));

/** Everything the scenario printed, and the secrets it should not have printed. */
async function run(mode: "guarded" | "unguarded"): Promise<{ output: Buffer; secrets: Secrets }> {
  const child = fork(scenario, [mode], { silent: true, execArgv: [...process.execArgv, ...doorArgs] });
  const output: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
  const sent: Secrets[] = [];
  child.on("message", (secrets: Secrets) => sent.push(secrets));
  await once(child, "close");
  const [secrets] = sent;
  if (!secrets) throw new Error(`The scenario did not end: ${Buffer.concat(output)}`);
  return { output: Buffer.concat(output), secrets };
}

/** The secrets in `output`: raw, in hex, in base64, as Node prints bytes, or as a list of numbers. */
function leaks(output: Buffer, { keys, words }: Secrets): string[] {
  const forms = (hex: string) => {
    const bytes = Buffer.from(hex, "hex");
    return [
      bytes,
      hex,
      hex.match(/../g)?.join(" ") ?? "",
      bytes.toString("base64").slice(0, -2),
      [...bytes].join(),
    ];
  };
  const leakedKeys = keys.filter((key) => forms(key).some((form) => output.includes(form)));
  return [...leakedKeys, ...words.filter((word) => output.includes(word))];
}

test("no private key, number or message text reaches the output, even at the most verbose log level", async () => {
  const { output, secrets } = await run("guarded");
  expect(secrets.keys.length).toBeGreaterThan(4);
  expect(output.toString()).toContain("failed to decrypt message");
  expect(leaks(output, secrets)).toEqual([]);
});

test("without the guards the same run leaks, so the test above can fail", async () => {
  const { output, secrets } = await run("unguarded");
  expect(leaks(output, secrets).length).toBeGreaterThan(3);
});
