import { expect, test } from "vitest";
import { type MachineState, newMachine } from "#connector/machine/machine.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";
import { codes } from "../machine/machine.model.ts";

const file = fileDatabase();

/** A channel in its fourth epoch, and its owner's store. */
async function ownedChannel(fields: Partial<ChannelDocument> = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 4 }, wanted: "connected", ...fields });
  await file.all.channels.insertOne(channel);
  const channelId = channel._id;
  const read = async () => {
    const found = await file.all.channels.findOne({ _id: channelId });
    if (!found) throw new Error("The channel is gone");
    return found;
  };
  const shown: unknown[] = [];
  const now = { isHeld: true, isHeldAfterWrite: true };
  const hooked = hookedCollections(file.all, {
    async after() {
      now.isHeld = now.isHeldAfterWrite;
    },
  });
  const channelStore = createChannelStore(
    hooked,
    { channelId, epoch: 4, isHeld: () => now.isHeld },
    ({ now: _, ...one }) => void shown.push(one),
  );
  return { channelId, read, channelStore, shown, now };
}

const stepTo = (machine: MachineState) => ({ machine, lastDisconnect: null, isCodeNew: true });

test("a step of the machine is stored in the words that callers see", async () => {
  const { channelStore, read } = await ownedChannel();
  const lastDisconnect = { code: 428, reason: "connection_lost", at: new Date(0).toISOString() };
  const machine: MachineState = { ...newMachine("waiting", "connection_lost"), retryAt: 1_000 };
  await channelStore.saveStep({ machine, lastDisconnect, isCodeNew: false });
  expect(await read()).toMatchObject({
    status: "connecting",
    reason: "connection_lost",
    retryAt: new Date(1_000),
    lastDisconnect,
    wanted: "connected",
  });
});

test("a QR is stored as text and as a picture, a pairing code as text, and both are removed when the pairing ends", async () => {
  const { channelStore, read } = await ownedChannel();
  await channelStore.saveStep(stepTo({ ...newMachine("qr_ready"), code: codes.qr }));
  expect(await read()).toMatchObject({
    status: "qr_ready",
    pairing: { ...codes.qr, expiresAt: new Date(codes.qr.expiresAt) },
    config: { qrCode: expect.stringMatching(/^data:image\/png;base64,/), pairingCode: null },
  });
  await channelStore.saveStep(stepTo({ ...newMachine("pairing_code_ready"), code: codes.typed }));
  expect(await read()).toMatchObject({
    pairing: { kind: "code", text: codes.typed.text },
    config: { qrCode: null, pairingCode: codes.typed.text },
  });
  await channelStore.saveStep(stepTo(newMachine("active")));
  expect(await read()).toMatchObject({ pairing: null, config: { qrCode: null, pairingCode: null } });
});

test("a QR and a pairing code are reported as they were stored, once they are, until they expire", async () => {
  const { channelId, channelStore, read, shown } = await ownedChannel();
  const reported = async (isQr: boolean) => {
    const { pairing, config } = await read();
    return { channelId, pairing, config: { qrCode: isQr ? config.qrCode : null } };
  };
  const expiresAt = Date.now() + 60_000;
  const [qr, typed] = [
    { ...codes.qr, expiresAt },
    { ...codes.typed, expiresAt },
  ];
  await channelStore.saveStep(stepTo({ ...newMachine("qr_ready"), code: qr }));
  expect(shown).toEqual([await reported(true)]);
  await channelStore.saveStep(stepTo({ ...newMachine("pairing_code_ready"), code: typed }));
  expect(shown.slice(1)).toEqual([await reported(false)]);
  await channelStore.saveStep(
    stepTo({ ...newMachine("qr_ready"), code: { ...qr, expiresAt: Date.now() - 1 } }),
  );
  await channelStore.saveStep(stepTo(newMachine("active")));
  await file.all.channels.updateOne({ _id: channelId }, { $set: { "owner.epoch": 5 } });
  const late = channelStore.saveStep(stepTo({ ...newMachine("qr_ready"), code: qr }));
  await expect(late).rejects.toThrow(FencedError);
  expect(shown).toHaveLength(2);
});

test("a QR is not reported when it was stored but the owner's deadline has passed", async () => {
  const { channelStore, read, shown, now } = await ownedChannel();
  const code = { ...codes.qr, expiresAt: Date.now() + 60_000 };
  now.isHeldAfterWrite = false;
  await channelStore.saveStep(stepTo({ ...newMachine("qr_ready"), code }));
  expect([(await read()).pairing?.text, shown]).toEqual([code.text, []]);
});

test("a code that did not change is not rewritten", async () => {
  const { channelStore, read } = await ownedChannel();
  await channelStore.saveStep(stepTo({ ...newMachine("qr_ready"), code: codes.qr }));
  await channelStore.saveStep({ ...stepTo(newMachine("active")), isCodeNew: false });
  expect((await read()).pairing).toMatchObject({ text: codes.qr.text });
});

test("a step leaves the wish alone unless it names one", async () => {
  const { channelStore, read } = await ownedChannel();
  await channelStore.saveStep({ ...stepTo(newMachine("error", "banned")), wanted: "disconnected" });
  expect((await read()).wanted).toBe("disconnected");
  await channelStore.setWish("connected");
  await channelStore.saveStep(stepTo(newMachine("connecting")));
  expect((await read()).wanted).toBe("connected");
});

test("an unknown phone number does not overwrite a known one", async () => {
  const { channelStore, read } = await ownedChannel();
  const login = { ...stepTo(newMachine("active")), isCodeNew: false };
  await channelStore.saveStep({ ...login, account: { phoneNumber: "15550100001", lid: "111@lid" } });
  await channelStore.saveStep({ ...login, account: { phoneNumber: null, lid: null } });
  expect(await read()).toMatchObject({ config: { phoneNumber: "15550100001" }, lid: null });
});

test("a former owner cannot write, nor can the owner of a removed channel", async () => {
  const { channelId, channelStore, read } = await ownedChannel();
  await file.all.channels.updateOne({ _id: channelId }, { $set: { "owner.epoch": 5 } });
  const before = await read();
  const writes = [
    () => channelStore.saveStep(stepTo(newMachine("active"))),
    () => channelStore.setWish("disconnected"),
  ];
  for (const write of writes) await expect(write()).rejects.toThrow(FencedError);
  expect(await read()).toEqual(before);
  await file.all.channels.deleteOne({ _id: channelId });
  for (const write of writes) await expect(write()).rejects.toThrow(FencedError);
});
