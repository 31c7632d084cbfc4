import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

test("a pairing code leaves the command's result when it is used, or dies with its connection or its owner", {
  timeout: 120_000,
}, async () => {
  await using system = await startSystem();
  const channel = await newChannel(system, "15550100421");
  const { channelId, phone } = channel;
  const body = { phoneNumber: phone.phoneNumber };
  const ask = (key: string) =>
    system.api().post(`/channels/${channelId}/pairing-code`, body, { "Idempotency-Key": key });
  const codes = () =>
    system.collections.commands.countDocuments({ channelId, "result.code": { $exists: true } });

  const first = await ask("dropped");
  expect([first.status, await codes()]).toEqual([200, 1]);
  system.sandbox.faults.drop("all");
  await channel.becomes("inactive", "connection_lost");
  await eventually(async () => (await codes()) === 0);
  const again = await ask("dropped");
  expect(again).toMatchObject({ status: 422, body: { error: { code: "expired" } } });
  expect(again.body.error.message).toContain("pairing code");

  expect([(await ask("owner died")).status, await codes()]).toEqual([200, 1]);
  await system.stop();
  await system.start();
  await channel.becomes("inactive", "interrupted");
  await eventually(async () => (await codes()) === 0);

  const used = await ask("used");
  expect([used.status, await codes()]).toEqual([200, 1]);
  await phone.typeCode(String(used.body.payload.code));
  await channel.becomes("active");
  await eventually(async () => (await codes()) === 0);
  const commandId = await system.collections.commands
    .findOne({ channelId, type: "channel.request_pairing_code" }, { sort: { ord: -1 } })
    .then((found) => found?._id);
  expect((await system.api().get(`/commands/${commandId}`)).body.payload.result).toEqual({
    expiresAt: used.body.payload.expiresAt,
  });
});
