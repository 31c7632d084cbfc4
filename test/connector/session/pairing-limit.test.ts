import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { countPairingRequest } from "#connector/session/pairing-limit.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

test("each number may request five codes an hour, and no sixth", async () => {
  const request = (phoneNumber: string) => countPairingRequest(file.all, phoneNumber);
  for (let time = 1; time <= 5; time++) await request("15550100001");
  await expect(request("15550100001")).rejects.toMatchObject({ code: "pairing_rate_limited" });
  await request("15550100002");
});

test("a code older than an hour does not count, nor does a refused one", async () => {
  const phoneNumber = "15550100003";
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const requests = [61, 61, 61, 59, 59, 59, 59].map((minutes) => ({
    _id: randomUUID(),
    phoneNumber,
    at: minutesAgo(minutes),
  }));
  await file.all.pairingRequests.insertMany(requests);
  await countPairingRequest(file.all, phoneNumber);
  for (let time = 0; time < 2; time++) {
    await expect(countPairingRequest(file.all, phoneNumber)).rejects.toThrow();
  }
  expect(await file.all.pairingRequests.countDocuments({ phoneNumber, at: { $gt: minutesAgo(60) } })).toBe(5);
});
