import { expect, test } from "vitest";
import { faultless, noFaults, textOf } from "../client.fixture.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("a message arrives whose session is deleted at any moment of its encryption", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const contact = sandbox.account(ben);
  await contact.sendText(ana, "first");
  for (let turns = 0; turns < 20; turns += 1) {
    const sent = contact.sendText(ana, `after ${turns} turns`);
    for (let turn = 0; turn < turns; turn += 1) await null;
    contact.forgetSessions();
    await sent;
    await client.receive((message) => textOf(message) === `after ${turns} turns`);
  }
  expect(faultless(sandbox)).toEqual(noFaults);
});
