import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

test("a pairing whose connection keeps breaking asks WhatsApp for at most five codes", async () => {
  await using system = await startSystem({ timings: { backoff: { baseMs: 20, maxMs: 40 } } });
  const phoneNumber = "15550100111";
  const channel = await newChannel(system, phoneNumber);
  await system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber });
  const codes = new Set<string>();
  await eventually(
    async () => {
      const { pairing, status } = await channel.document();
      if (status === "error") return true;
      if (!pairing || codes.has(pairing.text)) return false;
      codes.add(pairing.text);
      system.sandbox.faults.drop("all");
      return false;
    },
    { withinMs: 20_000 },
  );
  expect(codes.size).toBe(5);
  expect(await channel.document()).toMatchObject({
    status: "error",
    reason: "pairing_failed",
    pairing: null,
  });
});
