import type { ShownPairing } from "#shared/changes.ts";
import type { ChannelDocument, PendingPairing } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import type { LastDisconnect } from "#shared/events.ts";
import { type MachineState, type PairingCode, publicStatus } from "../machine/machine.ts";
import { assertHeld, dateOf, type Fence } from "../ownership/fence.ts";
import { channelWrites } from "./channel-writes.ts";
import { qrImage } from "./qr-image.ts";

/** A linked account, as far as WhatsApp has told. */
export interface Account {
  phoneNumber: string | null;
  lid: string | null;
}

/** The fields of a channel's document that change with a step of its machine. */
interface ChannelStep {
  machine: MachineState;
  lastDisconnect: LastDisconnect | null;
  /** Whether `machine.code` has to be written. */
  isCodeNew: boolean;
  wanted?: ChannelDocument["wanted"];
  account?: Account;
}

/** Writes the owner's changes to its channel's document. Each write carries the epoch; throws `FencedError` when deposed. */
export interface ChannelStore {
  saveStep(change: ChannelStep): Promise<void>;
  setWish(wanted: ChannelDocument["wanted"]): Promise<void>;
  /** Hides the channel from callers and forgets what describes it; if this owner dies, the next one erases the rest. */
  markDeleted(): Promise<void>;
}

/** `onShown` receives each QR and pairing code once it is stored. */
export function createChannelStore(
  { channels }: Pick<Collections, "channels">,
  fence: Fence,
  onShown?: (shown: ShownPairing) => void,
): ChannelStore {
  const set = async (fields: Record<string, unknown>) => {
    assertHeld(fence);
    await channelWrites(channels).submit({ fence, fields });
  };
  return {
    async saveStep({ machine, lastDisconnect, isCodeNew, wanted, account }) {
      const shown = isCodeNew ? pairingFields(machine.code) : null;
      await set({
        status: publicStatus(machine),
        reason: machine.reason,
        retryAt: machine.retryAt === null ? null : new Date(machine.retryAt),
        lastDisconnect,
        lastStatusUpdate: dateOf(fence),
        unlink: machine.unlink && { ...machine.unlink, since: new Date(machine.unlink.since) },
        ...shown,
        ...(wanted ? { wanted } : {}),
        ...(account ? accountFields(account) : {}),
      });
      const now = dateOf(fence);
      // The process may have been suspended meanwhile.
      if (!shown?.pairing || shown.pairing.expiresAt <= now || fence.isHeld?.() === false) return;
      const { channelId } = fence;
      const { pairing, "config.qrCode": qrCode } = shown;
      onShown?.({ channelId, pairing, config: { qrCode }, now });
    },
    setWish: (wanted) => set({ wanted }),
    markDeleted: () => set({ ...withoutDescription, deletedAt: dateOf(fence) }),
  };
}

/** Nothing that the owner of a deleted channel would need to unlink it. */
const withoutDescription = {
  ...{ name: "", metadata: {}, givenNumber: null, lid: null, pairing: null },
  config: { phoneNumber: null, qrCode: null, pairingCode: null },
} satisfies Partial<ChannelDocument>;

function accountFields({ phoneNumber, lid }: Account) {
  return { ...(phoneNumber ? { "config.phoneNumber": phoneNumber } : {}), lid };
}

function pairingFields(code: PairingCode | null) {
  if (!code) return { pairing: null, "config.qrCode": null, "config.pairingCode": null };
  const pairing: PendingPairing = { ...code, expiresAt: new Date(code.expiresAt) };
  const isQr = code.kind === "qr";
  return {
    pairing,
    "config.qrCode": isQr ? qrImage(code.text) : null,
    "config.pairingCode": isQr ? null : code.text,
  };
}
