import { type Random, seeded } from "../chaos/random.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { attacks } from "./hostile-attacks.ts";
import { startHostileTarget } from "./hostile-target.ts";
import { HostileWires } from "./hostile-wire.ts";
import { runCases } from "./run-cases.ts";

const clientsMax = 8;
/** The process may grow by so much under attack: its heap before a collection, and the connections open at once. */
const growthBytesMax = 256 * 1024 * 1024;
const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;

/**
 * Sends random Socket.io packets and HTTP requests, with the key of one tenant and without a key, and leaves most of the
 * connections open and unread. Holds if nothing of another tenant is received, a good client of that tenant gets its
 * event, its answer and a new connection after each attack, and the memory of the process stays bounded.
 */
export const hostileClientFuzzer: Fuzzer = {
  name: "hostile-client",
  async run(options) {
    const { report } = options;
    await using target = await startHostileTarget(options.database);
    await target.assertServes();
    let isLeaked = false;
    using wires = new HostileWires(target.url, (bytes) => {
      isLeaked ||= bytes.includes(target.marker);
    });
    const { tenantKey, channelIds } = target;
    const names = { tenantKey, channelIds: [channelIds.own, channelIds.victim, "nowhere"] as const };
    const before = await target.memory("VmRSS");
    const counts = await runCases(options, async (random: Random) => {
      const clients = Array.from({ length: 1 + random.index(clientsMax) }, () => ({
        attack: random.pick(attacks),
        random: seeded(random.index(2 ** 32)),
      }));
      await Promise.all(clients.map(({ attack, ...its }) => attack({ ...names, ...its, wires })));
      await target.assertServes();
      if (isLeaked) throw new Error("the hostile client received something of another tenant");
      const grownBy = (await target.memory("VmHWM")) - before;
      if (grownBy > growthBytesMax) throw new Error(`the process grew by ${megabytes(grownBy)}`);
      if (target.failure()) throw new Error(`the process printed: ${target.failure()}`);
    });
    const [peak, after] = [await target.memory("VmHWM"), await target.memory("VmRSS")];
    report(`memory: ${megabytes(before)} before, ${megabytes(peak)} at most, ${megabytes(after)} after`);
    return counts;
  },
};
