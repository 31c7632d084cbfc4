import type { Account } from "#infra/sandbox/account.ts";
import { eventually } from "../support/eventually.ts";
import { apiKey, type SupervisedProcesses } from "../support/system.ts";

/** A channel of the run, the phone it is linked to, and its contacts. */
export interface ChaosChannel {
  index: number;
  channelId: string;
  phone: Account;
  contacts: [Account, ...Account[]];
}

const pairingAtOnce = 6;
const pairingMs = 60_000;
const contactsEach = 3;

/** Creates `count` channels over HTTP and links each to its own phone by scanning its QR code. */
export async function pairChannels(
  system: SupervisedProcesses,
  count: number,
  progress: (paired: number) => void,
): Promise<ChaosChannel[]> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const paired: ChaosChannel[] = [];
  const work = async () => {
    for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
      paired.push(await pairOne(system, index));
      progress(paired.length);
    }
  };
  await Promise.all(Array.from({ length: pairingAtOnce }, work));
  return paired.toSorted((a, b) => a.index - b.index);
}

async function pairOne(system: SupervisedProcesses, index: number): Promise<ChaosChannel> {
  const phone = system.sandbox.account(numberOf(2, index));
  const channelId = await pairChannel(system, index, phone);
  const contact = (each: number) => system.sandbox.account(numberOf(3, index * contactsEach + each));
  return { index, channelId, phone, contacts: [contact(0), contact(1), contact(2)] };
}

/** Creates a channel over HTTP and links it to `phone`; resolves to its id once it is active. */
export async function pairChannel(
  system: SupervisedProcesses,
  index: number,
  phone: Account,
): Promise<string> {
  const api = system.api(index);
  const created = await api.post("/channels", { name: `Channel ${index}` });
  const { channelId } = created.body.payload;
  await api.post(`/channels/${channelId}/connect`, {}, { Prefer: "respond-async" });
  const url = `${system.functions[index % system.functions.length]?.url}/api/whatsapp/channels/${channelId}/qr`;
  await eventually(
    async () => {
      const answer = await fetch(url, { headers: { "x-api-key": apiKey, accept: "text/plain" } });
      if (!answer.ok) throw new Error(`no QR for ${channelId}: ${answer.status}`);
      await phone.scan((await answer.text()).trim());
      return true;
    },
    { withinMs: pairingMs, everyMs: 200 },
  );
  await eventually(
    async () => (await api.get(`/channels/${channelId}/status`)).body.payload.status === "active",
    { withinMs: pairingMs, everyMs: 100 },
  );
  return channelId;
}

/** A phone number that is unique in the run, such as `15552000007`. */
export const numberOf = (group: number, index: number): string =>
  `1555${group}${String(index).padStart(6, "0")}`;
