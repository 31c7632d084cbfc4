import { expect, test } from "vitest";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

test("SEND_RATE delays sends beyond SEND_BURST, refuses none, and keeps their order", async () => {
  await using system = await startSystem({ config: { sendRate: 2, sendBurst: 2 } });
  const channel = await pairedChannel(system, "15550100151");
  const contact = system.sandbox.account("15550100152");
  const texts = ["one", "two", "three", "four", "five", "six"];
  for (const message of texts) {
    const { status } = await system
      .api()
      .post(
        `/channels/${channel.channelId}/send`,
        { to: "15550100152", message },
        { Prefer: "respond-async" },
      );
    expect(status).toBe(202);
  }
  await contact.waitForMessage(({ text }) => text === "six");
  expect(contact.inbox.map(({ text }) => text)).toEqual(texts);
  // Four sends waited half a second each; much less would mean that they were not paced.
  const [second, last] = [contact.inbox[1]?.at, contact.inbox[5]?.at];
  expect(Number(last) - Number(second)).toBeGreaterThan(1_000);
});
