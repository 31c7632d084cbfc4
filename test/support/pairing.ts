import type { Account } from "#infra/sandbox/account.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import { eventually } from "./eventually.ts";
import type { TestWaypost } from "./waypost.ts";

export interface PairedChannel {
  channelId: string;
  /** The phone it is linked to. */
  phone: Account;
  document(): Promise<ChannelDocument>;
  /** Waits until the channel's document says so. */
  becomes(status: ChannelDocument["status"], reason?: ChannelDocument["reason"]): Promise<ChannelDocument>;
}

/** A channel that exists and is linked to nothing. */
export async function newChannel(
  waypost: TestWaypost,
  phoneNumber: string,
  given: { phoneNumber?: string } = {},
): Promise<PairedChannel> {
  const { body } = await waypost.api().post("/channels", { name: `Channel of ${phoneNumber}`, ...given });
  const { channelId } = body.payload;
  const document = async () => {
    const found = await waypost.collections.channels.findOne({ _id: channelId });
    if (!found) throw new Error("the channel is gone");
    return found;
  };
  return {
    channelId,
    phone: waypost.sandbox.account(phoneNumber),
    document,
    becomes: (status, reason = null) =>
      eventually(
        async () => {
          const found = await document();
          if (found.status === status && found.reason === reason) return found;
          throw new Error(`the channel is ${found.status} (${found.reason}), not ${status} (${reason})`);
        },
        { withinMs: 20_000 },
      ),
  };
}

/** A channel that was linked by scanning its QR, and is active. */
export async function pairedChannel(waypost: TestWaypost, phoneNumber: string): Promise<PairedChannel> {
  const channel = await newChannel(waypost, phoneNumber);
  await waypost.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  return channel;
}
