import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { EmbeddedMongoError } from "#infra/mongo/embedded-mongo-error.ts";
import { SandboxStateError } from "#infra/sandbox/state/state-error.ts";
import { type Environment, readConfig } from "#shared/config.ts";
import { UnsupportedMongoError } from "#shared/database.ts";
import { listen } from "#shared/listening.ts";
import { runMain, StoppedEarlyError } from "#shared/run-main.ts";

/** Mains that end in every possible way; the command line names the one to run. */
const mains: Record<string, (asked: Promise<unknown>, env: Environment) => Promise<void>> = {
  returns: async () => {},
  waits: async (asked) => {
    await untilAsked(asked);
    process.stdout.write("ending\n");
  },
  "is stopped while it starts": async (asked) => {
    await untilAsked(asked);
    throw new StoppedEarlyError("Asked to end");
  },
  "fails while it ends": async (asked) => {
    await untilAsked(asked);
    throw new Error("could not close");
  },
  "leaves timers": async () => void delay(60_000),
  "sets an exit code": async () => {
    process.exitCode = 3;
  },
  "has wrong settings": async () => void readConfig({ PORT: "many", SEND_RATE: "x" }, "functions"),
  "has a standalone database": () =>
    Promise.reject(new UnsupportedMongoError("MONGO_URI points to a standalone MongoDB server.")),
  "finds its data in use": () => Promise.reject(new EmbeddedMongoError("data_in_use", "It is used.")),
  "finds a damaged sandbox": () => Promise.reject(new SandboxStateError("state.json", "it is torn")),
  "reaches no database": async () => {
    const options = { serverSelectionTimeoutMS: 200 };
    await MongoClient.connect("mongodb://user:hidden@127.0.0.1:1/", options);
  },
  "has a wrong option of the database": async () =>
    void new MongoClient("mongodb://user:hidden@127.0.0.1:1/?colour=red"),
  "finds its port taken": async () => {
    const { port } = new URL(await listen(createServer(), 0, "127.0.0.1"));
    await listen(createServer(), Number(port), "127.0.0.1");
  },
  "listens on a name that is none": async () => void (await listen(createServer(), 0, "nowhere.invalid")),
  "has a bug": () => Promise.reject(new TypeError("undefined is not a function")),
  "throws a text": () => Promise.reject("just words"),
  "prints a setting": async (_asked, env) => void process.stdout.write(`${env.LOG_LEVEL}\n`),
  "prints what a child inherits": async (_asked, env) => {
    const { API_KEY: key, PATH: path } = process.env;
    const mask = process.umask();
    process.stdout.write(JSON.stringify({ own: env.API_KEY, key, path, mask }));
  },
  "does not stop": async (asked) => {
    await untilAsked(asked);
    await delay(60_000);
  },
};

/** Keeps the process alive with a timer, as a server would. */
async function untilAsked(asked: Promise<unknown>): Promise<void> {
  setInterval(() => {}, 60_000);
  process.stdout.write("up\n");
  await asked;
}

const main = mains[process.argv[2] ?? ""];
if (!main) throw new Error(`unknown main: ${process.argv[2]}`);
await runMain(main, 2_000);
