import type { Account } from "#infra/sandbox/account.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { eventually, type Patience } from "./eventually.ts";
import type { System } from "./system.ts";

export interface TestChannel {
  channelId: string;
  /** The phone that it is linked to, or will be. */
  phone: Account;
  document(): Promise<ChannelDocument>;
  /** Waits until the channel's document has this status and reason. */
  becomes(status: ChannelDocument["status"], reason?: ChannelDocument["reason"]): Promise<ChannelDocument>;
}

export interface ChannelOptions extends Patience {
  /** The phone number that its account must have. */
  phoneNumber?: string;
}

/** Creates a channel that is not linked. */
export async function newChannel(
  system: System,
  phoneNumber: string,
  { phoneNumber: required, ...patience }: ChannelOptions = {},
): Promise<TestChannel> {
  const { body } = await system
    .api()
    .post("/channels", { name: `Channel of ${phoneNumber}`, ...(required && { phoneNumber: required }) });
  const { channelId } = body.payload;
  const document = async () => {
    const found = await system.collections.channels.findOne({ _id: channelId });
    if (!found) throw new Error("the channel does not exist");
    return found;
  };
  return {
    channelId,
    phone: system.sandbox.account(phoneNumber),
    document,
    becomes: (status, reason = null) =>
      eventually(async () => {
        const found = await document();
        if (found.status === status && found.reason === reason) return found;
        throw new Error(`the channel is ${found.status} (${found.reason}), not ${status} (${reason})`);
      }, patience),
  };
}

/** Creates a channel, links it by scanning its QR code, and waits until it is active. */
export async function pairedChannel(
  system: System,
  phoneNumber: string,
  patience: Patience = {},
): Promise<TestChannel> {
  const channel = await newChannel(system, phoneNumber, patience);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  return channel;
}
