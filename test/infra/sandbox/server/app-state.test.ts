import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults } from "../client.fixture.ts";
import { ana, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("a setting changed by one client reaches a client linked later", async () => {
  const { sandbox } = fixture;
  const [one, other] = [fixture.client(), fixture.client()];
  sandbox.account(ana).pushName = "Ana";
  await one.link(sandbox.account(ana));
  await eventually(() => one.auth.creds.me?.name === "Ana");
  await one.socket.updateProfileName("Ana & Co");
  await other.link(sandbox.account(ana));
  await eventually(() => other.auth.creds.me?.name === "Ana & Co");
  expect(faultless(sandbox)).toEqual(noFaults);
});
