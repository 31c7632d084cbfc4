import { expect, test } from "vitest";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { eventually } from "#test/support/eventually.ts";
import { Client, faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("a client's first login uploads five pre-keys only, or all 812 if `firstPreKeyCount` is 0", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  expect(client.auth.creds.nextPreKeyId).toBe(6);

  await using generous = await startSandbox({ firstPreKeyCount: 0 });
  await using other = new Client(generous);
  await other.link(generous.account(ana));
  expect(other.auth.creds.nextPreKeyId).toBe(813);
});

test("a client that runs out of pre-keys is asked for more, and every contact's message arrives", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  for (let index = 0; index < 12; index += 1) {
    await sandbox.account(`1555100${1000 + index}`).sendText(ana, `contact ${index}`);
    await client.receive((message) => textOf(message) === `contact ${index}`);
  }
  await eventually(() => client.auth.creds.nextPreKeyId > 10);
  expect(faultless(sandbox)).toEqual(noFaults);
});
