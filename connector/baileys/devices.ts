import {
  type CacheStore,
  extractDeviceJids,
  jidDecode,
  jidEncode,
  USyncQuery,
  USyncUser,
  type WASocket,
} from "./baileys.ts";

/** The JIDs of all devices of these users; of a user whom WhatsApp does not know, or without a device, none. */
export type DevicesOf = (wa: WASocket, jids: readonly string[]) => Promise<string[]>;

type Device = ReturnType<typeof extractDeviceJids>[number];
type Answer = NonNullable<Awaited<ReturnType<WASocket["executeUSyncQuery"]>>>;

/**
 * Looks devices up in Baileys' own cache, and asks WhatsApp for the others. Baileys asks as well, but then rebuilds every
 * session with these users: after each restart the first message to a contact took one of their one-time pre-keys, and could
 * not be sent while WhatsApp did not hand out keys, although the session was stored.
 */
export function createDeviceLookup(cache: CacheStore): DevicesOf {
  return async (wa, jids) => {
    const cached = await Promise.all(jids.map((jid) => cache.get<Device[]>(userOf(jid))));
    const unknown = jids.filter((_, index) => !cached[index]);
    const asked = unknown.length > 0 ? await ask(wa, unknown, cache) : [];
    return [...cached.flatMap((devices) => devices ?? []), ...asked].map((device) =>
      jidEncode(device.user, device.server, device.device),
    );
  };
}

async function ask(wa: WASocket, jids: readonly string[], cache: CacheStore): Promise<Device[]> {
  const query = new USyncQuery().withContext("message").withDeviceProtocol().withLIDProtocol();
  for (const jid of jids) query.withUser(new USyncUser().withId(jid));
  const answer = await wa.executeUSyncQuery(query);
  // Baileys resolves a query that timed out to `undefined`.
  if (!answer) throw new Error("WhatsApp did not answer the question for devices");
  await rememberLids(wa, answer);
  const { id = "", lid = "" } = wa.user ?? {};
  const devices = extractDeviceJids(answer.list, id, lid, false);
  const byUser = Map.groupBy(devices, ({ user }) => user);
  for (const [user, own] of byUser) await cache.set(user, own);
  await wa.authState.keys.set({
    "device-list": Object.fromEntries(
      [...byUser].map(([user, own]) => [user, own.map(({ device = 0 }) => String(device))]),
    ),
  });
  return devices;
}

async function rememberLids({ signalRepository }: WASocket, { list }: Answer): Promise<void> {
  const pairs = list.flatMap(({ id, lid }) => (typeof lid === "string" && lid ? [{ lid, pn: id }] : []));
  await signalRepository.lidMapping.storeLIDPNMappings(pairs);
}

function userOf(jid: string): string {
  return jidDecode(jid)?.user ?? "";
}
