import { afterAll, beforeAll, expect, test } from "vitest";
import { sleep } from "#shared/sleep.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type Operation, profiled } from "../support/profiled.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  system = await startSystem();
  channel = await pairedChannel(system, "15550100411");
  await send();
  await sleep(1_000);
}, 120_000);

afterAll(() => system[Symbol.asyncDispose]());

const send = () =>
  system.api().post(`/channels/${channel.channelId}/send`, { to: "15550100412", message: "Hello" });

const sends = 10;

/** Sends a few texts one after the other. Resolves to what the database was asked to do. */
const sendFew = () =>
  profiled(system.database.db, async () => {
    for (let sent = 0; sent < sends; sent++) expect((await send()).status).toBe(200);
  });

const on = (operations: readonly Operation[], collection: string) =>
  operations.filter(({ ns, op }) => ns.endsWith(`.${collection}`) && op !== "getmore");

/** Counts the looks for commands of the control lane. */
const isControlLook = ({ command }: Operation) =>
  JSON.stringify(command.pipeline?.[0]?.$match?.lane) === JSON.stringify({ $nin: [1, 2] });

test("a send looks for no command of the control lane", async () => {
  const operations = await sendFew();
  expect(on(operations, "commands").filter(isControlLook)).toEqual([]);
}, 120_000);

test("requests of the same second ask once whether a connector is alive", async () => {
  const isQuestion = ({ op, command }: Operation) =>
    op === "query" && command.projection && Object.keys(command.projection).length === 1;
  const startedAt = performance.now();
  const operations = await sendFew();
  const seconds = Math.ceil((performance.now() - startedAt) / 1_000);
  expect(on(operations, "connectors").filter(isQuestion).length).toBeLessThanOrEqual(seconds);
}, 120_000);

test("a lone connector writes nothing but its lease while it is idle", async () => {
  const operations = await profiled(system.database.db, () => sleep(4_000));
  const writes = operations.filter(({ op }) => ["update", "insert", "remove"].includes(op));
  expect(writes).toEqual([]);
}, 120_000);
