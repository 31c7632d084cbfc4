import { afterEach, expect, test, vi } from "vitest";
import { runProgram } from "#infra/mongo/run-program.ts";

const signal = new AbortController().signal;

afterEach(() => void vi.unstubAllEnvs());

function node(script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}): Promise<string> {
  return runProgram(process.execPath, ["-e", script], {
    env: process.env,
    signal,
    deadlineMs: 20_000,
    ...options,
  });
}

test("a program's output is passed to onOutput and returned when it exits", async () => {
  const chunks: string[] = [];
  expect(await node("process.stdout.write('hello')", { onOutput: (text) => void chunks.push(text) })).toBe(
    "hello",
  );
  expect(chunks.join("")).toBe("hello");
});

test("a failing program's error is its last line on standard error", async () => {
  const script = "process.stderr.write('first\\nthe disk is full\\n\\n'); process.exitCode = 3";
  await expect(node(script)).rejects.toThrow(/^the disk is full$/);
});

test("a program that fails silently is reported with its exit code", async () => {
  await expect(node("process.exitCode = 3")).rejects.toThrow("it exited with code 3");
});

test("a program that does not exit is killed at the deadline", async () => {
  await expect(node("setInterval(() => console.log('busy'), 20)", { deadlineMs: 400 })).rejects.toThrow(
    "longer than 0.4 s",
  );
});

test("a program that falls silent is killed before the deadline", async () => {
  await expect(node("setInterval(() => {}, 1000)", { silenceMs: 400 })).rejects.toThrow(
    "no output for 0.4 s",
  );
});

test("a program that prints without end is killed before the deadline", async () => {
  const script = "const print = () => process.stdout.write('x'.repeat(50_000), print); print()";
  await expect(node(script)).rejects.toThrow(/^it printed more than 1000000 characters$/);
});

test("a program killed by a signal is reported with the signal", async () => {
  await expect(node("process.kill(process.pid, 'SIGTERM')")).rejects.toThrow(/^it exited with SIGTERM$/);
});

test("a program that does not exist fails with ENOENT", async () => {
  const missing = runProgram("/nowhere/program", [], { env: {}, signal, deadlineMs: 20_000 });
  await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
});

test("a program gets the given environment and nothing of this process's own", async () => {
  vi.stubEnv("API_KEY", "a key of this process");
  const env = { PATH: process.env.PATH, TZ: "Pacific/Apia" };
  const printed = await node("console.log(JSON.stringify(process.env))", { env });
  expect(JSON.parse(printed)).toEqual(env);
});

test("an abort kills the program and throws the signal's reason", async () => {
  const stop = new AbortController();
  const running = node("console.log('up'); setInterval(() => {}, 1000)", {
    signal: stop.signal,
    onOutput: () => stop.abort(new Error("enough")),
  });
  await expect(running).rejects.toThrow("enough");
});

test("a program that prints without end is killed at a million characters", async () => {
  const script = "setInterval(() => process.stdout.write('x'.repeat(60_000)), 1)";
  await expect(node(script)).rejects.toThrow("it printed more than 1000000 characters");
});
