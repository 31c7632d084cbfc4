import { afterAll, beforeAll, expect, test } from "vitest";
import { createLog } from "#shared/log.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
/** The ids of the signed pre-keys that replaced others, in order. */
const rotated: number[] = [];

beforeAll(async () => {
  const write = (line: string) => {
    const { event, keyId } = JSON.parse(line);
    if (event === "signed_pre_key") rotated.push(keyId);
  };
  system = await startSystem({
    timings: { rotationLookMs: 50, signedPreKeyMs: 300, signedPreKeyRetryMs: 100 },
    log: createLog("info", { write }),
  });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

test("an old signed pre-key is replaced, after a restart too, and a new contact's first message arrives", async () => {
  const channel = await pairedChannel(system, "15550100321");
  await eventually(() => rotated.length >= 2);
  await system.stop();
  const before = [...rotated];
  await system.start();
  await channel.becomes("active");
  await eventually(() => rotated.length > before.length);
  expect(rotated.slice(0, before.length + 1)).toEqual(
    [...rotated.keys()].slice(0, before.length + 1).map((n) => n + 2),
  );
  await system.sandbox.account("15550100322").sendText(channel.phone.phoneNumber, "With the newest key");
  const { channelId } = channel;
  await eventually(() => system.collections.events.findOne({ channelId, type: "incoming_message" }));
});
