/** Tells who can open a channel's credentials. */
export interface Seal {
  /** Names the master key that wraps the channel's data key; null when there are no credentials to open. */
  masterKeyId: string | null;
  /** The connectors that tried and could not, whatever keys they have. */
  unopenedBy: readonly string[];
}

/** Reads the seals of these channels. */
export type ReadSeals = (channelIds: readonly string[]) => Promise<Map<string, Seal>>;

/** Of a channel that does not exist, or has no credentials. */
export const openSeal: Seal = { masterKeyId: null, unopenedBy: [] };

/** A connector, by what it has published of its keys; null when it has not, as older versions did. */
export interface KeyHolder {
  id: string;
  masterKeyIds: readonly string[] | null;
}

/** Whether a connector can open a channel, as far as is known. */
export function canOpen({ id, masterKeyIds }: KeyHolder, { masterKeyId, unopenedBy }: Seal): boolean {
  if (unopenedBy.includes(id)) return false;
  return masterKeyId === null || masterKeyIds === null || masterKeyIds.includes(masterKeyId);
}

/** Whether all have the same keys, so that keys need not be asked about. */
export function haveSameKeys(holders: readonly KeyHolder[]): boolean {
  return new Set(holders.map(({ masterKeyIds }) => masterKeyIds?.toSorted().join() ?? "unknown")).size <= 1;
}
