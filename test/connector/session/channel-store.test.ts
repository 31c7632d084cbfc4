import { expect, test } from "vitest";
import { connectionUpdate } from "#connector/machine/connection-update.ts";
import { type MachineState, newMachine } from "#connector/machine/machine.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { createChannelStore } from "#connector/session/channel-store.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { channelDocument, fileDatabase } from "../connector.fixture.ts";
import { codes } from "../machine/machine.model.ts";

const file = fileDatabase();

/** A channel in its fourth epoch, and what its owner writes through. */
async function owned(fields: Partial<ChannelDocument> = {}) {
  const channel = channelDocument({ owner: { connector: "me", epoch: 4 }, wanted: "connected", ...fields });
  await file.all.channels.insertOne(channel);
  const channelId = channel._id;
  const read = async () => {
    const found = await file.all.channels.findOne({ _id: channelId });
    if (!found) throw new Error("The channel has gone");
    return found;
  };
  return { channelId, read, record: createChannelStore(file.all, { channelId, epoch: 4 }) };
}

const change = (machine: MachineState) => ({ machine, lastDisconnect: null, isCodeNew: true });

test("a machine's step is written in the words that callers see", async () => {
  const { record, read } = await owned();
  const lastDisconnect = { code: 428, reason: "connection_lost", at: new Date(0).toISOString() };
  const machine: MachineState = { ...newMachine("waiting", "connection_lost"), retryAt: 1_000 };
  await record.saveStep({ machine, lastDisconnect, isCodeNew: false });
  expect(await read()).toMatchObject({
    status: "connecting",
    reason: "connection_lost",
    retryAt: new Date(1_000),
    lastDisconnect,
    wanted: "connected",
  });
});

test("a QR is there as text and as a picture, a code as text; both go with the pairing", async () => {
  const { record, read } = await owned();
  await record.saveStep(change({ ...newMachine("qr_ready"), code: codes.qr }));
  expect(await read()).toMatchObject({
    status: "qr_ready",
    pairing: { ...codes.qr, expiresAt: new Date(codes.qr.expiresAt) },
    config: { qrCode: expect.stringMatching(/^data:image\/png;base64,/), pairingCode: null },
  });
  await record.saveStep(change({ ...newMachine("pairing_code_ready"), code: codes.typed }));
  expect(await read()).toMatchObject({
    pairing: { kind: "code", text: codes.typed.text },
    config: { qrCode: null, pairingCode: codes.typed.text },
  });
  await record.saveStep(change(newMachine("active")));
  expect(await read()).toMatchObject({ pairing: null, config: { qrCode: null, pairingCode: null } });
});

test("a code that did not change is left alone", async () => {
  const { record, read } = await owned();
  await record.saveStep(change({ ...newMachine("qr_ready"), code: codes.qr }));
  await record.saveStep({ ...change(newMachine("active")), isCodeNew: false });
  expect((await read()).pairing).toMatchObject({ text: codes.qr.text });
});

test("the wish changes only when it is told to", async () => {
  const { record, read } = await owned();
  await record.saveStep({ ...change(newMachine("error", "banned")), wanted: "disconnected" });
  expect((await read()).wanted).toBe("disconnected");
  await record.setWish("connected");
  await record.saveStep(change(newMachine("connecting")));
  expect((await read()).wanted).toBe("connected");
});

test("the account is remembered; a number that is not known does not overwrite one that is", async () => {
  const { record, read } = await owned();
  await record.setAccount("15550100001", "111@lid");
  await record.setAccount(null, null);
  expect(await read()).toMatchObject({ config: { phoneNumber: "15550100001" }, lid: null });
});

test("a former owner, and one whose channel is gone, cannot write", async () => {
  const { channelId, record, read } = await owned();
  await file.all.channels.updateOne({ _id: channelId }, { $set: { "owner.epoch": 5 } });
  const before = await read();
  const writes = [
    () => record.saveStep(change(newMachine("active"))),
    () => record.setWish("disconnected"),
    () => record.setAccount("15550100009", null),
  ];
  for (const write of writes) await expect(write()).rejects.toThrow(FencedError);
  expect(await read()).toEqual(before);
  await file.all.channels.deleteOne({ _id: channelId });
  for (const write of writes) await expect(write()).rejects.toThrow(FencedError);
});

test("callers hear what there is to say, and no more", () => {
  const at = { code: null, reason: "silence", at: new Date(0).toISOString() };
  expect(connectionUpdate(newMachine("active"), null)).toEqual({ status: "active" });
  expect(connectionUpdate({ ...newMachine("waiting", "replaced"), retryAt: 0 }, at)).toEqual({
    status: "connecting",
    reason: "replaced",
    retryAt: "1970-01-01T00:00:00.000Z",
    lastDisconnect: at,
  });
});
