import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Child, startChild } from "../support/child.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const script = new URL("../support/run-main.child.ts", import.meta.url);

/** Runs one of the script's mains in an empty folder until it ends. */
async function run(main: string, whileRunning: (child: Child) => Promise<void> = async () => {}) {
  await using folder = await temporaryFolder();
  await using child = startChild(script, [main], { cwd: folder.path });
  await whileRunning(child);
  const code = await child.ended;
  return { code, out: child.out, err: child.err };
}

function onceUp(signal: NodeJS.Signals) {
  return async (child: Child) => {
    await child.prints(/up\n/);
    child.signal(signal);
  };
}

test("a main that returns exits with 0 and prints nothing", async () => {
  expect(await run("returns")).toEqual({ code: 0, out: "", err: "" });
});

test("remaining timers do not keep the process alive", async () => {
  expect(await run("leaves timers")).toEqual({ code: 0, out: "", err: "" });
});

test("an exit code set by main is kept", async () => {
  expect(await run("sets an exit code")).toMatchObject({ code: 3, err: "" });
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s lets main finish, and the process exits with 0",
  async (signal) => {
    expect(await run("waits", onceUp(signal))).toEqual({ code: 0, out: "up\nending\n", err: "" });
  },
);

test("a start that is stopped exits with 0 and prints no error", async () => {
  expect(await run("is stopped while it starts", onceUp("SIGTERM"))).toMatchObject({ code: 0, err: "" });
});

test("a failure while stopping is printed, and exits with 1", async () => {
  const { code, err } = await run("fails while it ends", onceUp("SIGTERM"));
  expect(code).toBe(1);
  expect(err).toContain("could not close");
});

test("a main that does not stop in time is ended, says so, and exits with 1", async () => {
  const { code, err } = await run("does not stop", onceUp("SIGTERM"));
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^Waypost did not stop within 2 s.*\n$/),
  });
});

test("main gets the settings; what it starts inherits none, and files that it creates are its user's alone", async () => {
  const env = { API_KEY: "a_key_of_twenty_four_characters", PATH: process.env.PATH };
  await using child = startChild(script, ["prints what a child inherits"], { env });
  await child.ended;
  expect(JSON.parse(child.out)).toEqual({ own: env.API_KEY, path: env.PATH, mask: 0o077 });
});

test.each([
  ["has wrong settings", ["PORT must be", "SEND_RATE must be", "MONGO_URI is required"]],
  ["has a standalone database", ["MONGO_URI points to a standalone MongoDB server"]],
  ["finds its data in use", ["It is used."]],
  ["finds a damaged sandbox", ["state.json", "it is torn"]],
  ["reaches no database", ["MONGO_URI", "127.0.0.1:1"]],
  ["has a wrong option of the database", ["MONGO_URI", "colour"]],
  ["finds its port taken", ["PORT", "EADDRINUSE"]],
  ["listens on a name that is none", ["HOST", "nowhere.invalid"]],
  ["throws a text", ["just words"]],
])("a main that %s prints one message without a stack, and exits with 1", async (main, words) => {
  const { code, out, err } = await run(main);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  for (const word of words) expect(err).toContain(word);
  expect(err).not.toMatch(/^\s+at /m);
  expect(err).not.toContain("hidden");
});

test("a bug prints its stack, and exits with 1", async () => {
  const { code, err } = await run("has a bug");
  expect(code).toBe(1);
  expect(err).toMatch(/^TypeError: undefined is not a function\n\s+at /);
});

test(".env in the working directory is read, and the environment overrides it", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, ".env"), "LOG_LEVEL=debug\n");
  const printed = async (env: Record<string, string>) => {
    await using child = startChild(script, ["prints a setting"], { env, cwd: folder.path });
    await child.ended;
    return child.out;
  };
  expect(await printed({})).toBe("debug\n");
  expect(await printed({ LOG_LEVEL: "warn" })).toBe("warn\n");
});
