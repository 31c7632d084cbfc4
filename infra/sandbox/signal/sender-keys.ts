import type { proto } from "@whiskeysockets/baileys";
import {
  GroupCipher,
  GroupSessionBuilder,
  SenderKeyDistributionMessage,
  SenderKeyName,
  SenderKeyRecord,
} from "@whiskeysockets/baileys/lib/Signal/Group/index.js";
import type { OwnDevice } from "../state/state.ts";

/** A device of a group member, as `<phone number>.<device>`. */
export type SenderName = `${string}.${number}`;

/** The message with which others can decrypt this device's messages to the group. Creates the device's sender key on first use. */
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

/** Stores the sender key of another device. */
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

/** Decrypts a message to the group. Throws if the sender's key is unknown or did not sign the message. */
export const openFromGroup = (
  device: OwnDevice,
  group: string,
  sender: SenderName,
  ciphertext: Buffer,
): Promise<Uint8Array> => new GroupCipher(storage(device), nameOf(group, sender)).decrypt(ciphertext);

/** Discards the device's sender key after a member has left, so that the next message is under a new key that the former member never gets. */
export function renewSenderKey(device: OwnDevice, group: string, own: SenderName): void {
  delete device.senderKeys?.[`${group} ${own}`];
  delete device.senderKeyHolders?.[group];
}

function nameOf(group: string, sender: SenderName): SenderKeyName {
  return new SenderKeyName(group, { id: sender, deviceId: 0, toString: () => sender });
}

/** Stores records serialised, so that a failed decryption leaves no trace in them. */
function storage(device: OwnDevice) {
  const keyOf = (name: SenderKeyName): string => `${name.getGroupId()} ${name.getSender().id}`;
  type SerialisedRecord = ConstructorParameters<typeof SenderKeyRecord>[0];
  return {
    loadSenderKey: async (name: SenderKeyName): Promise<SenderKeyRecord> =>
      new SenderKeyRecord(structuredClone(device.senderKeys?.[keyOf(name)]) as SerialisedRecord),
    storeSenderKey: async (name: SenderKeyName, record: SenderKeyRecord): Promise<void> => {
      device.senderKeys = { ...device.senderKeys, [keyOf(name)]: record.serialize() };
    },
  };
}
