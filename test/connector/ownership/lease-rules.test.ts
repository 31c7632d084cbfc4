import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { MongoBulkWriteError } from "mongodb";
import { expect, test } from "vitest";
import { insertLease, renewLease } from "#connector/ownership/connector-lease-store.ts";
import { declareDead } from "#connector/ownership/dead-connectors.ts";
import { FencedError, fencedError, fenceOperation } from "#connector/ownership/fence.ts";
import { acquire } from "#connector/ownership/ownership.ts";
import { raiseFence } from "#connector/ownership/raise-fence.ts";
import { fenceId } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import {
  honest,
  isOwner,
  isValid,
  newWorld,
  type Rules,
  type Step,
  take,
  type World,
} from "./lease.model.ts";

const process = fc.nat({ max: 3 });
const isLost = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ type: fc.constant("start"), name: fc.nat({ max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("send"), process }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("arrive"), process, isLost }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("hear"), process, isLost }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("declareDead") }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("acquire"), process }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("raise"), process }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("write"), process }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("land"), process }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("wait"), ms: fc.constantFrom(500, 2_500, 9_000, 13_000) }),
  },
) as fc.Arbitrary<Step>;
const schedule = fc.array(step, { minLength: 5, maxLength: 120, size: "max" });

type Row = World["processes"][number]["row"];

/** Whether each holds after a step, given the rows before it. Plain conditions: they are checked a million times. */
const invariants: Record<string, (before: readonly Row[], after: World) => boolean> = {
  "at most one owner by its own clock, unless it was succeeded by name": (_, world) =>
    world.processes.filter((one) => !one.isSucceeded && isOwner(world, one)).length <= 1,
  "no process is valid by its own clock when it is overdue by the database's": (_, world) =>
    world.processes.every((one) => !isValid(world, one) || one.row.aliveUntil > world.now),
  "dead is final": (before, { processes }) =>
    before.every((row, index) => !row.isDead || isDeepStrictEqual(processes[index]?.row, row)),
  "epochs rise": (_, { epochsGiven }) => epochsGiven.every((epoch, index) => epoch === index + 1),
  "no write of a lower epoch than the fence": (_, { accepted }) =>
    accepted.every(({ epoch, fence }) => epoch >= fence),
};

function walk(steps: readonly Step[], rules: Rules = honest): void {
  const world = newWorld();
  for (const one of steps) {
    const before = world.processes.map(({ row }) => ({ ...row }));
    take(world, one, rules);
    for (const [name, holds] of Object.entries(invariants)) if (!holds(before, world)) throw new Error(name);
  }
}

test("the invariants of ownership hold under delays, losses, stalls, restarts and declared deaths", () => {
  fc.assert(
    fc.property(schedule, (steps) => walk(steps)),
    { numRuns: 600 },
  );
});

test.each<[keyof Rules, RegExp]>([
  ["renewsTheDead", /dead is final/],
  ["takesFromTheLiving", /at most one owner/],
  ["reusesEpochs", /epochs rise/],
  ["ignoresTheFence", /no write of a lower epoch/],
  ["countsFromTheAnswer", /overdue|at most one owner/],
  ["outstaysTheLease", /overdue|at most one owner/],
])("the mutation %s breaks an invariant of ownership", (rule, broken) => {
  const found = fc.check(
    fc.property(schedule, (steps) => walk(steps, { ...honest, [rule]: true })),
    { numRuns: 5_000, seed: 1 },
  );
  expect(found.failed).toBe(true);
  expect(String(found.errorInstance)).toMatch(broken);
});

const file = fileDatabase();

type RealStep = Extract<Step, { type: "start" | "declareDead" | "acquire" | "raise" | "land" }> | Renew;
/** A renewal that arrives at once, or a row that was not renewed in time. */
type Renew = { type: "renew"; process: number } | { type: "expire"; process: number };

const realStep = fc.oneof(
  fc.record({ type: fc.constant("start"), name: fc.nat({ max: 2 }) }),
  fc.record({ type: fc.constantFrom("renew", "expire", "acquire", "raise", "land"), process }),
  fc.record({ type: fc.constant("declareDead") }),
) as fc.Arbitrary<RealStep>;

test("the rows of a real database follow the model, step by step", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(realStep, { minLength: 10, maxLength: 40, size: "max" }), async (steps) => {
      await file.all.connectors.deleteMany({});
      const world = newWorld();
      const real = await realWorld(file.all);
      for (const one of steps) {
        takeModelled(world, one);
        await real.take(one);
        expect(await real.seen()).toEqual({
          dead: world.processes.map(({ row }) => row.isDead),
          owner: world.owner,
          fence: world.fence,
          accepted: world.accepted.map(({ epoch }) => epoch),
        });
      }
    }),
    { numRuns: 25 },
  );
});

/** No process clock runs here: the rules of the database have to hold without it. */
function takeModelled(world: World, one: RealStep): void {
  const at = "process" in one ? one.process % Math.max(1, world.processes.length) : -1;
  const process = world.processes[at];
  if (one.type === "land" && process?.hasRaised) process.writes.push(process.epoch);
  if (one.type === "expire") {
    if (process) process.row.aliveUntil = -1;
  } else if (one.type === "renew") {
    for (const type of ["send", "arrive"] as const) take(world, { ...one, type, isLost: false });
  } else take(world, one);
}

/** The same world on the real functions. */
async function realWorld(all: Collections) {
  const channelId = randomUUID();
  await all.channels.insertOne(channelDocument({ _id: channelId }));
  const ids: string[] = [];
  const epochs = new Map<string, number>();
  const raised = new Set<string>();
  const accepted: number[] = [];
  const actions = {
    async acquire(id: string) {
      const channel = await acquire(all, channelId, id);
      if (!channel) return;
      epochs.set(id, channel.owner.epoch);
      raised.delete(id);
    },
    async raise(id: string) {
      const epoch = epochs.get(id);
      if (epoch === undefined) return;
      await raiseFence(all.events, { channelId, epoch }).then(() => raised.add(id), ignoreFenced);
    },
    async land(id: string) {
      const epoch = epochs.get(id);
      if (epoch === undefined || !raised.has(id)) return;
      const fence = { channelId, epoch };
      await all.events
        .bulkWrite([fenceOperation(fence)], { ordered: true })
        .then(() => accepted.push(epoch))
        .catch((error: MongoBulkWriteError) => ignoreFenced(fencedError(error, fence)));
    },
    renew: (id: string) => renewLease(all.connectors, id, 600_000),
    // A minute ago, because MongoDB may remove a row that expired a week ago at any step.
    expire: (_id: string) =>
      all.connectors.updateOne(
        { _id, state: { $ne: "dead" } },
        { $set: { aliveUntil: new Date(Date.now() - 60_000) } },
      ),
  };
  return {
    async take(one: RealStep) {
      if (one.type === "declareDead") return void (await declareDead(all.connectors));
      if (one.type === "start") {
        const id = randomUUID();
        ids.push(id);
        await insertLease(all.connectors, {
          id,
          name: `name ${one.name}`,
          capacity: 1,
          masterKeyIds: [],
          leaseMs: 600_000,
        });
        return;
      }
      const id = ids[one.process % Math.max(1, ids.length)];
      if (id !== undefined) await actions[one.type](id);
    },
    async seen() {
      const rows = await all.connectors.find().toArray();
      const { owner } = (await all.channels.findOne({ _id: channelId })) ?? {};
      const fence = await all.events.findOne({ _id: fenceId(channelId) });
      return {
        dead: ids.map((id) => rows.find(({ _id }) => _id === id)?.state === "dead"),
        owner: { process: owner?.connector ? ids.indexOf(owner.connector) : null, epoch: owner?.epoch },
        fence: (fence as { epoch?: number } | null)?.epoch ?? 0,
        accepted: [...accepted],
      };
    },
  };
}

function ignoreFenced(error: unknown): void {
  if (!(error instanceof FencedError)) throw error;
}
