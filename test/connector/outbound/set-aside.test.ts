import { expect, test } from "vitest";
import { createSetAside } from "#connector/outbound/set-aside.ts";

test("256 sends are set aside; whoever sets the last of them aside waits until one has ended", async () => {
  const setAside = createSetAside(() => undefined);
  const works = Array.from({ length: 256 }, () => Promise.withResolvers<void>());
  const added = works.map(({ promise }, n) => setAside.add(`chat-${n}`, promise));
  await Promise.all(added.slice(0, 255));
  let hasRoom = false;
  const room = added[255]?.then(() => {
    hasRoom = true;
  });
  await new Promise(setImmediate);
  expect(hasRoom).toBe(false);
  works[7]?.resolve();
  await room;
  expect([setAside.has("chat-7"), setAside.has("chat-8")]).toEqual([false, true]);
});
