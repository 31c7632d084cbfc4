import { expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const idsOf = (commands: CommandDocument[]) => commands.map(({ messageId }) => messageId);
const text = (to: string, words: string) => ({ to, content: { type: "text", text: words } });

/** A sender that has found its queue empty, and whose claims wait until `claims` is released; without `error`, they then take place. */
async function idleSender(before: (method: string) => void = () => undefined) {
  const claims = Promise.withResolvers<void>();
  const begun = { claims: 0 };
  const hooked = hookedCollections(file.all, {
    async before({ collection, method }) {
      if (collection !== "commands") return;
      before(method);
      if (method !== "findOneAndUpdate") return;
      begun.claims++;
      await claims.promise;
    },
  });
  const fixture = await senderOn(hooked);
  fixture.sender.ring();
  await eventually(() => fixture.sender.look() !== null);
  const show = (document: CommandDocument) => fixture.sender.ring({ commandId: document._id, document });
  const insert = async (count: number) => await Promise.all((await fixture.insert(count)).map(fixture.read));
  return { ...fixture, insert, claims, begun, show };
}

test("a queued send whose document was shown is encrypted while it is claimed, and leaves only then", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  expect(fixture.socket.written).toEqual([]);
  // The next owner would take one that is recorded for one that may have left.
  expect(await file.all.messages.findOne({ messageId: shown.messageId ?? "" })).toBeNull();
  fixture.claims.resolve();
  expect(await fixture.settled(shown)).toMatchObject({ state: "succeeded", attempts: 1 });
  await fixture.expectPublished(shown, "sent");
  expect(fixture.socket.written).toEqual(idsOf([shown]));
  expect(fixture.errors).toEqual([]);
});

test("a send that is cancelled before the claim does not leave, and direct sends may follow", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  expect(fixture.sender.look()).toBeNull();
  await file.all.commands.updateOne({ _id: shown._id }, { $set: { state: "cancelled" } });
  fixture.claims.resolve();
  await eventually(() => fixture.sender.look() !== null);
  const next = fixture.newSend();
  await fixture.sender.insertClaimed(next, { mayExist: false });
  await fixture.settled(next);
  expect(fixture.socket.written).toEqual(idsOf([next]));
  expect(await fixture.read(shown)).toMatchObject({ state: "cancelled", attempts: 0 });
  expect(await file.all.messages.findOne({ messageId: shown.messageId ?? "" })).toBeNull();
});

test("one that was queued first goes first, each once", async () => {
  const fixture = await idleSender();
  const commands = await fixture.insert(3);
  fixture.show(commands[2] as CommandDocument);
  await eventually(() => fixture.socket.relayed.length === 1);
  fixture.claims.resolve();
  for (const command of commands)
    expect(await fixture.settled(command)).toMatchObject({ state: "succeeded", attempts: 1 });
  expect(fixture.socket.written).toEqual(idsOf(commands));
});

test("a document that was changed since it was shown goes out as it is stored", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  const payload = text("15550100002@s.whatsapp.net", "Changed");
  await file.all.commands.updateOne({ _id: shown._id }, { $set: { payload } });
  fixture.claims.resolve();
  expect(await fixture.settled(shown)).toMatchObject({ result: { to: "15550100002@s.whatsapp.net" } });
  expect(fixture.socket.written).toEqual(idsOf([shown]));
});

test.each<[string, Partial<CommandDocument>]>([
  ["is not valid", { payload: { to: 1 } }],
  ["is due later", { notBefore: new Date(Date.now() + 60_000) }],
  ["has no message id", { messageId: undefined as never }],
  ["is not queued", { state: "running" }],
])("a shown document that %s is claimed before it is encrypted", async (_, fields) => {
  const fixture = await idleSender();
  const [stored] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show({ ...stored, ...fields });
  // What goes ahead is prepared before it is claimed.
  await eventually(() => fixture.begun.claims > 0);
  expect(fixture.socket.relayed).toEqual([]);
  fixture.claims.resolve();
  expect(await fixture.settled(stored)).toMatchObject({ state: "succeeded" });
});

test("a claim whose answer is lost ends the session, and nothing leaves", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  fixture.claims.reject(new Error("killed"));
  await eventually(() => fixture.errors.length > 0);
  expect(fixture.socket.written).toEqual([]);
});

test("a document that is shown when its send is on its way is not encrypted once more", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.claims.resolve();
  fixture.sender.ring();
  await fixture.settled(shown);
  fixture.show(shown);
  const [next] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(next);
  await fixture.settled(next);
  expect(fixture.socket.relayed).toHaveLength(2);
  expect(fixture.begun.claims).toBe(1);
});

test("a send whose owner is deposed while it is claimed is neither recorded nor sent", async () => {
  const fixture = await idleSender();
  const [shown] = (await fixture.insert(1)) as [CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  fixture.now.isOwner = false;
  fixture.claims.resolve();
  await eventually(async () => (await fixture.read(shown)).state === "running");
  await fixture.sender.stop();
  expect(fixture.socket.written).toEqual([]);
  expect(await file.all.messages.findOne({ messageId: shown.messageId ?? "" })).toBeNull();
});

test("a claim that took another send, and cannot give it back, ends the session, and nothing leaves", async () => {
  const fixture = await idleSender((method) => {
    if (method === "updateMany") throw new Error("killed");
  });
  const [earlier, shown] = (await fixture.insert(2)) as [CommandDocument, CommandDocument];
  fixture.show(shown);
  await eventually(() => fixture.socket.relayed.length === 1);
  fixture.claims.resolve();
  await eventually(() => fixture.errors.length > 0);
  expect(fixture.socket.written).toEqual([]);
  expect(await fixture.read(earlier)).toMatchObject({ state: "running" });
  expect(await fixture.read(shown)).toMatchObject({ state: "queued" });
});
