import { afterAll, beforeAll, expect, test } from "vitest";
import { newChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ timings: { backoff: { baseMs: 20, maxMs: 40 } } });
});

afterAll(() => system[Symbol.asyncDispose]());

const requests = (phoneNumber: string) => system.collections.pairingRequests.countDocuments({ phoneNumber });

test("a pairing code dies with its connection, and only a person's request makes another and counts", async () => {
  const phoneNumber = "15550100111";
  const channel = await newChannel(system, phoneNumber);
  const codes = new Set<string | undefined>();
  for (let lost = 1; lost <= 4; lost++) {
    await system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber });
    codes.add((await channel.becomes("pairing_code_ready")).pairing?.text);
    system.sandbox.faults.drop("all");
    expect(await channel.becomes("inactive", "connection_lost")).toMatchObject({
      pairing: null,
      retryAt: null,
      wanted: "disconnected",
    });
    expect(await requests(phoneNumber)).toBe(lost);
  }
  expect(codes.size).toBe(4);
  await system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber });
  const { pairing } = await channel.becomes("pairing_code_ready");
  await channel.phone.typeCode(pairing?.text ?? "");
  await channel.becomes("active");
});

test("a QR dies with its connection too, whatever ended that", async () => {
  const channel = await newChannel(system, "15550100112");
  const { faults } = system.sandbox;
  for (const end of [() => faults.drop("all"), () => faults.streamError("all", 503)]) {
    await system.api().post(`/channels/${channel.channelId}/connect`);
    await channel.becomes("qr_ready");
    end();
    expect(await channel.becomes("inactive", "connection_lost")).toMatchObject({
      pairing: null,
      config: { qrCode: null },
    });
  }
});

test("a channel that has shown no code yet goes on trying to connect", async () => {
  const phoneNumber = "15550100113";
  const channel = await newChannel(system, phoneNumber);
  system.sandbox.faults.refuseUpgrade({ status: 503, times: 3 });
  await system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber });
  await channel.becomes("pairing_code_ready");
  expect(await requests(phoneNumber)).toBe(1);
});
