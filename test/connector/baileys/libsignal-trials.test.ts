import { expect, test } from "vitest";
import { createParty, introduce, memoryStore, type Party } from "./signal-party.fixture.ts";

const rounds = 20;

const write = (from: Party, to: Party) =>
  from.repository.encryptMessage({ jid: to.jid, data: Buffer.from("hello") });

/** Resolves to false if the message cannot be decrypted. */
const canRead = (reader: Party, writer: Party, message: Awaited<ReturnType<typeof write>>) =>
  reader.repository.decryptMessage({ jid: writer.jid, ...message }).then(
    () => true,
    () => false,
  );

test("two devices that first write to each other at the same time can read every message", async () => {
  const alice = createParty("15550001111@s.whatsapp.net", memoryStore());
  const bob = createParty("15550002222@s.whatsapp.net", memoryStore());
  await introduce(alice, bob);
  await introduce(bob, alice);
  let unreadable = 0;
  for (let round = 0; round < rounds; round++) {
    // Messages that cross: each is written before the other is read.
    const crossing = [await write(alice, bob), await write(bob, alice), await write(alice, bob)] as const;
    const read = [
      await canRead(bob, alice, crossing[0]),
      await canRead(alice, bob, crossing[1]),
      await canRead(bob, alice, crossing[2]),
    ];
    unreadable += read.filter((isRead) => !isRead).length;
  }
  expect(unreadable).toBe(0);
});
