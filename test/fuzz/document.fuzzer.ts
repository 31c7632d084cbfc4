import { randomUUID } from "node:crypto";
import { commandStates } from "#shared/commands.ts";
import type { Random } from "../chaos/random.ts";
import { eventually } from "../support/eventually.ts";
import { type ForeignWriter, foreignWriter } from "../support/foreign-writer.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type System, startSystem } from "../support/system.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { hostileCommand, send } from "./hostile-bson.ts";
import { runCases } from "./run-cases.ts";

const documentsMax = 8;
const patience = { withinMs: 20_000, everyMs: 50 };
const open = ["queued", "running"];
const ended = commandStates.filter((state) => !open.includes(state));

/**
 * Inserts random BSON into `commands`. Holds if every document ends, the API reads and lists them, and a valid command that
 * is inserted after them is carried out.
 */
export const documentFuzzer: Fuzzer = {
  name: "document",
  async run(options) {
    const { database } = options;
    await using system = await startSystem({ ...(database && { database }), timings: { sweepMs: 500 } });
    await using writer = await foreignWriter(system.database.uri);
    const { channelId } = await pairedChannel(system, "15550100076");
    const notEnded = { state: { $nin: ended } };

    const attack = async (random: Random) => {
      const documents = Array.from({ length: 1 + random.index(documentsMax) }, () =>
        hostileCommand(random, channelId),
      );
      for (const document of documents) {
        // The server itself refuses some, such as two with one `_id`.
        await writer.insert(document).catch(() => undefined);
      }
      await using _ = { [Symbol.asyncDispose]: async () => void (await writer.commands.deleteMany({})) };
      const probe = `probe-${randomUUID()}`;
      await writer.insert({ _id: probe, ...send(channelId) });
      await eventually(async () => {
        const found = await system.collections.commands.findOne({ _id: probe });
        if (found?.state !== "succeeded")
          throw new Error(`a valid command is ${found?.state}, not succeeded`);
        return true;
      }, patience);
      await eventually(async () => {
        const left = await writer.commands.countDocuments(notEnded);
        if (left > 0) throw new Error(`${left} documents have not ended`);
        return true;
      }, patience);
      await eachAnswers(system, writer);
      const listed = await system.api().get(`/channels/${channelId}/commands?limit=100`);
      if (listed.status !== 200) throw new Error(`the list of commands answers ${listed.status}`);
    };
    return await runCases(options, attack);
  },
};

/** Reads, cancels and retries each command through the API; whatever is in it, none of that may be our fault. */
async function eachAnswers(system: System, { commands }: ForeignWriter): Promise<void> {
  const ids = await commands
    .find({ _id: { $type: "string" } }, { projection: { _id: 1 }, enableUtf8Validation: false })
    .toArray();
  for (const { _id } of ids) {
    const path = `/commands/${encodeURIComponent(String(_id))}`;
    const answers = [
      await system.api().get(path),
      await system.api().call("DELETE", path),
      await system.api().post(`${path}/retry`, {}),
    ];
    const faults = answers.filter(({ status }) => status >= 500);
    if (faults.length > 0) throw new Error(`${path} answers ${JSON.stringify(faults)}`);
  }
}
