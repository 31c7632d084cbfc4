import { expect, test } from "vitest";
import { runProgram } from "#infra/mongo/program.ts";

const signal = new AbortController().signal;

function node(script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}): Promise<string> {
  return runProgram(process.execPath, ["-e", script], { signal, deadlineMs: 20_000, ...options });
}

test("what a program writes is heard at once and returned at its end", async () => {
  const heard: string[] = [];
  expect(await node("process.stdout.write('hello')", { onOutput: (text) => void heard.push(text) })).toBe(
    "hello",
  );
  expect(heard.join("")).toBe("hello");
});

test("a failure is told in the program's last words", async () => {
  const script = "process.stderr.write('first\\nthe disk is full\\n\\n'); process.exitCode = 3";
  await expect(node(script)).rejects.toThrow(/^the disk is full$/);
});

test("a program that says nothing fails with its code", async () => {
  await expect(node("process.exitCode = 3")).rejects.toThrow("it exited with code 3");
});

test("a program that does not end is ended at the deadline", async () => {
  await expect(node("setInterval(() => console.log('busy'), 20)", { deadlineMs: 400 })).rejects.toThrow(
    "longer than 0.4 s",
  );
});

test("a program that falls silent is ended before the deadline", async () => {
  await expect(node("setInterval(() => {}, 1000)", { silenceMs: 400 })).rejects.toThrow(
    "no output for 0.4 s",
  );
});

test("a program that prints without end is ended before the deadline", async () => {
  const script = "const print = () => process.stdout.write('x'.repeat(50_000), print); print()";
  await expect(node(script)).rejects.toThrow(/^it printed more than 1000000 characters$/);
});

test("a program that is ended by a signal fails with its name", async () => {
  await expect(node("process.kill(process.pid, 'SIGTERM')")).rejects.toThrow(/^it exited with SIGTERM$/);
});

test("a program that does not exist fails with the system's error", async () => {
  const missing = runProgram("/nowhere/program", [], { signal, deadlineMs: 20_000 });
  await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
});

test("a variable given to a program overrides that of this process", async () => {
  const env = { TZ: "Pacific/Apia" };
  expect(await node("console.log(process.env.TZ, process.env.PATH)", { env })).toBe(
    `Pacific/Apia ${process.env.PATH}`,
  );
});

test("an abort ends the program and throws the reason", async () => {
  const stop = new AbortController();
  const running = node("console.log('up'); setInterval(() => {}, 1000)", {
    signal: stop.signal,
    onOutput: () => stop.abort(new Error("enough")),
  });
  await expect(running).rejects.toThrow("enough");
});
