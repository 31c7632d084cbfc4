import type { proto } from "@whiskeysockets/baileys";
import {
  GroupCipher,
  GroupSessionBuilder,
  SenderKeyDistributionMessage,
  SenderKeyName,
  SenderKeyRecord,
} from "@whiskeysockets/baileys/lib/Signal/Group/index.js";
import type { OwnDevice } from "../state/state.ts";

/** A device of somebody in a group, as `<phone number>.<device>`. */
export type SenderName = `${string}.${number}`;

/** What others need to read this device's messages to the group; its sender key is made with the first. */
export async function ownSenderKey(
  device: OwnDevice,
  group: string,
  own: SenderName,
): Promise<proto.Message.ISenderKeyDistributionMessage> {
  const distribution = await new GroupSessionBuilder(storage(device)).create(nameOf(group, own));
  return { groupId: group, axolotlSenderKeyDistributionMessage: distribution.serialize() };
}

/** Encrypts for the whole group. The device must have a sender key. */
export const sealForGroup = (
  device: OwnDevice,
  group: string,
  own: SenderName,
  padded: Uint8Array,
): Promise<Uint8Array> => new GroupCipher(storage(device), nameOf(group, own)).encrypt(padded);

/** Keeps somebody's sender key. */
export async function learnSenderKey(
  device: OwnDevice,
  group: string,
  sender: SenderName,
  { axolotlSenderKeyDistributionMessage: bytes }: proto.Message.ISenderKeyDistributionMessage,
): Promise<void> {
  if (!bytes) return;
  const distribution = new SenderKeyDistributionMessage(null, null, null, null, bytes);
  await new GroupSessionBuilder(storage(device)).process(nameOf(group, sender), distribution);
}

/** Throws if the sender's key is unknown, or the message is not by it. */
export const openFromGroup = (
  device: OwnDevice,
  group: string,
  sender: SenderName,
  ciphertext: Buffer,
): Promise<Uint8Array> => new GroupCipher(storage(device), nameOf(group, sender)).decrypt(ciphertext);

/** After somebody has left: the next message is under a new key, which they are not given. */
export function renewSenderKey(device: OwnDevice, group: string, own: SenderName): void {
  delete device.senderKeys?.[`${group} ${own}`];
  delete device.senderKeyHolders?.[group];
}

function nameOf(group: string, sender: SenderName): SenderKeyName {
  return new SenderKeyName(group, { id: sender, deviceId: 0, toString: () => sender });
}

/** Records are kept serialised, so that a failed decryption leaves no mark. */
function storage(device: OwnDevice) {
  const keyOf = (name: SenderKeyName): string => `${name.getGroupId()} ${name.getSender().id}`;
  type Kept = ConstructorParameters<typeof SenderKeyRecord>[0];
  return {
    loadSenderKey: async (name: SenderKeyName): Promise<SenderKeyRecord> =>
      new SenderKeyRecord(structuredClone(device.senderKeys?.[keyOf(name)]) as Kept),
    storeSenderKey: async (name: SenderKeyName, record: SenderKeyRecord): Promise<void> => {
      device.senderKeys = { ...device.senderKeys, [keyOf(name)]: record.serialize() };
    },
  };
}
