import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import type { DeathPoint } from "./dies-at.child.ts";
import { killedReceiver, patient } from "./killed-receiver.fixture.ts";

const system = killedReceiver("15550100091");
let lastContact = 15550100600;

const points: Array<[where: string, DeathPoint, journaled: number, waiting: number]> = [
  ["between decryption and receipt", "decrypted", 1, 1],
  ["between receipt and event", "receipted", 1, 0],
  ["between the event and the ratchet", "unjournaled", 0, 1],
  ["between the event and clearing the journal", "published", 1, 0],
];

for (const [where, point, journaled, waiting] of points) {
  for (const kind of ["first", "later"] as const) {
    test(`a contact's ${kind} message is published once when the connector is killed ${where}`, {
      timeout: 180_000,
    }, async () => {
      const contact = system.contact(String(++lastContact));
      if (kind === "later") await contact.isSent("an answer");
      const dead = await system.arm(point);
      await contact.say("before");
      expect(await dead.ended).toBeNull();
      // A receipt that has left may still be on its way.
      await eventually(() => system.waiting() === waiting, patient);
      expect(await system.journaled()).toBe(journaled);

      await contact.say("while away");
      await system.start();
      await contact.say("afterwards");
      const all = ["before", "while away", "afterwards"];
      await contact.hasPublished(all.length);
      expect(await contact.texts()).toEqual(all);
      expect(system.counts()).toMatchObject({ ...cleanCounts, retriesReceived: 0 });
    });
  }
}
