import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { testDatabase } from "../support/test-database.ts";

const entry = fileURLToPath(new URL("../../functions/node.ts", import.meta.url));

interface Running {
  child: ChildProcess;
  said: { out: string; err: string };
  ended: Promise<number | null>;
}

function start(env: Record<string, string>): Running {
  const child = spawn(process.execPath, [entry], {
    env: { PATH: process.env.PATH ?? "", ...env },
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    said.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said.err += chunk;
  });
  return { child, said, ended: once(child, "exit").then(([code]) => code) };
}

test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with exit code 0", async (signal) => {
  await using database = await testDatabase();
  const { child, said, ended } = start({ MONGO_URI: database.uri, PORT: "0", API_KEY: "k".repeat(24) });
  const url = await eventually(() => /"url":"(http:[^"]+)"/.exec(said.out)?.[1], { withinMs: 20_000 });
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  child.kill(signal);
  expect(await ended).toBe(0);
  expect(said.err).toBe("");
  expect(said.out).not.toContain("kkkk");
});

test("a wrong configuration is one message that lists every mistake, and exit code 1", async () => {
  const { said, ended } = start({ PORT: "many", API_KEY: "short", SEND_TTL_SECONDS: "0" });
  expect(await ended).toBe(1);
  for (const name of ["PORT", "API_KEY", "SEND_TTL_SECONDS", "MONGO_URI"]) expect(said.err).toContain(name);
  expect(said.err).not.toMatch(/^\s+at /m);
  expect(said.out).toBe("");
});

test("a database that cannot be reached is said, and exit code 1", async () => {
  const { said, ended } = start({ MONGO_URI: "mongodb://user:hidden@127.0.0.1:1/", PORT: "0" });
  expect(await ended).toBe(1);
  expect(said.err).toContain("MONGO_URI");
  expect(said.err).not.toContain("hidden");
  expect(said.err).not.toMatch(/^\s+at /m);
});
