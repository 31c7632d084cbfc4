import type { ChannelDocument, PendingPairing } from "#shared/collections.ts";
import { type Collections, durable } from "#shared/database.ts";
import type { LastDisconnect } from "#shared/events.ts";
import { type MachineState, type PairingCode, publicStatus } from "../machine/machine.ts";
import { assertHeld, dateOf, type Fence, FencedError } from "../ownership/fence.ts";
import { qrImage } from "./qr-image.ts";

/** The fields of a channel's document that change with a step of its machine. */
interface ChannelStep {
  machine: MachineState;
  lastDisconnect: LastDisconnect | null;
  /** Whether `machine.code` has to be written. */
  isCodeNew: boolean;
  wanted?: ChannelDocument["wanted"];
}

/** Writes the owner's changes to its channel's document. Each write carries the epoch; throws `FencedError` when deposed. */
export interface ChannelStore {
  saveStep(change: ChannelStep): Promise<void>;
  setAccount(phoneNumber: string | null, lid: string | null): Promise<void>;
  setWish(wanted: ChannelDocument["wanted"]): Promise<void>;
  /** Hides the channel from callers and forgets what describes it; if this owner dies, the next one erases the rest. */
  markDeleted(): Promise<void>;
}

export function createChannelStore({ channels }: Pick<Collections, "channels">, fence: Fence): ChannelStore {
  const mine = { _id: fence.channelId, "owner.epoch": fence.epoch };
  const set = async (fields: Record<string, unknown>) => {
    assertHeld(fence);
    const { matchedCount } = await channels.updateOne(mine, { $set: fields }, durable);
    if (matchedCount === 0) throw new FencedError(fence);
  };
  return {
    async saveStep({ machine, lastDisconnect, isCodeNew, wanted }) {
      await set({
        status: publicStatus(machine),
        reason: machine.reason,
        retryAt: machine.retryAt === null ? null : new Date(machine.retryAt),
        lastDisconnect,
        lastStatusUpdate: dateOf(fence),
        unlink: machine.unlink && { ...machine.unlink, since: new Date(machine.unlink.since) },
        ...(isCodeNew ? await pairingFields(machine.code) : {}),
        ...(wanted ? { wanted } : {}),
      });
    },
    setAccount: (phoneNumber, lid) =>
      set({ ...(phoneNumber ? { "config.phoneNumber": phoneNumber } : {}), lid }),
    setWish: (wanted) => set({ wanted }),
    markDeleted: () => set({ ...withoutDescription, deletedAt: dateOf(fence) }),
  };
}

/** Nothing that the owner of a deleted channel would need to unlink it. */
const withoutDescription = {
  ...{ name: "", metadata: {}, givenNumber: null, lid: null, pairing: null },
  config: { phoneNumber: null, qrCode: null, pairingCode: null },
} satisfies Partial<ChannelDocument>;

async function pairingFields(code: PairingCode | null) {
  if (!code) return { pairing: null, "config.qrCode": null, "config.pairingCode": null };
  const pairing: PendingPairing = { ...code, expiresAt: new Date(code.expiresAt) };
  const isQr = code.kind === "qr";
  return {
    pairing,
    "config.qrCode": isQr ? await qrImage(code.text) : null,
    "config.pairingCode": isQr ? null : code.text,
  };
}
