import { afterAll, beforeAll, expect, test } from "vitest";
import { sleep } from "#shared/sleep.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type Operation, profiled } from "../support/profiled.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
let channel: TestChannel;

beforeAll(async () => {
  // A sweep would read, too.
  system = await startSystem({ timings: { sweepMs: 600_000 } });
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

test("a send alone is looked for once and answered without reading its outcome", async () => {
  const operations = await sendFew();
  const reads = on(operations, "commands").filter(({ op, command }) => op === "query" || command.aggregate);
  const looks = reads.filter(({ command }) => command.aggregate === "commands");
  expect(reads.length).toBe(looks.length);
  // After a batch the sender looks whether there is more.
  expect(looks.length).toBeLessThanOrEqual(2 * sends);
}, 30_000);

test("events of this process reach its sockets without being read, and its one stream rests meanwhile", async () => {
  const socket = system.socket();
  const received: unknown[] = [];
  socket.onAny((_name, event) => received.push(event.seq));
  await socket.emitWithAck("subscribe_channel", { channelId: channel.channelId });
  const person = system.sandbox.account("15550100412");
  await sleep(500);
  received.length = 0;
  const startedAt = performance.now();
  const operations = await profiled(system.database.db, async () => {
    for (let sent = 0; sent < sends; sent++) await person.sendText("15550100411", `text ${sent}`);
    await eventually(() => received.length >= sends);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(on(operations, "events").filter(({ op }) => op === "query")).toEqual([]);
  const getMores = operations.filter(({ op }) => op === "getmore");
  expect(getMores.length).toBeLessThanOrEqual(seconds * 20 + 3);
}, 30_000);

test("a sweep of an idle connector reads the same, however many channels it has", async () => {
  // A start soon has nothing more to balance.
  await using idle = await startSystem({ timings: { sweepMs: 500, moveQuietMs: 100 } });
  const { channelId } = await pairedChannel(idle, "15550100413");
  await sleep(2_000);
  const operations = await profiled(idle.database.db, () => sleep(2_000));
  expect(operations.length).toBeGreaterThan(5);
  const reads = [...on(operations, "channels"), ...on(operations, "commands")].filter(
    ({ command }) => command.aggregate || command.distinct || command.find,
  );
  const naming = reads.filter(({ command }) => JSON.stringify(command).includes(channelId));
  expect(
    naming.map(({ ns, command }) => [ns.split(".").at(-1), JSON.stringify(command).slice(0, 200)]),
  ).toEqual([]);
  // Adoption asks which channels exist only if it has found something.
  expect(on(operations, "channels").filter(({ command }) => command.query?._id)).toEqual([]);
}, 30_000);

test("a lone connector that is idle looks for no dead ones", async () => {
  const operations = await profiled(system.database.db, () => sleep(4_000));
  const writes = on(operations, "connectors").filter(({ op }) => ["update", "insert"].includes(op));
  expect(writes).toEqual([]);
}, 120_000);
