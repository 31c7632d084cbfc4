import { createSharedCall } from "#shared/shared-call.ts";
import type { Membership, Openers } from "./membership.ts";

/** Tells who can open a channel. Channels that are asked about at the same moment share the reads. */
export function openersByChannel({
  openers,
}: Pick<Membership, "openers">): (channelId: string) => Promise<Openers> {
  const { submit } = createSharedCall<string, Openers>({
    async call(channelIds) {
      const found = await openers(channelIds);
      return channelIds.map((channelId) => found.get(channelId) ?? { us: true, others: false });
    },
  });
  return submit;
}
