import { expect, test } from "vitest";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { Client, faultless, noFaults } from "../client.fixture.ts";
import { ana, ben } from "../sandbox.fixture.ts";

const carl = "15550000003";

/** Those of these people whose LIDs a client knows that was just linked to Ana's phone. */
async function known(addressBook: number | undefined): Promise<string[]> {
  await using sandbox = await startSandbox(addressBook === undefined ? {} : { addressBook });
  for (const phoneNumber of [ana, ben, carl]) sandbox.account(phoneNumber);
  await using client = new Client(sandbox);
  await client.link(sandbox.account(ana));
  const lids = await client.auth.keys.get("lid-mapping", [ben, carl]);
  expect(faultless(sandbox)).toEqual(noFaults);
  return Object.keys(lids);
}

test("a phone names everyone to a client that it links, or those in its address book", async () => {
  expect(await known(undefined)).toEqual([ben, carl]);
  expect(await known(2)).toEqual([ben]);
});
