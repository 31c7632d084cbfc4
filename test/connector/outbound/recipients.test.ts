import { describe, expect, test } from "vitest";
import type { USyncQuery, WASocket } from "#connector/baileys/baileys.ts";
import type { DevicesOf } from "#connector/baileys/devices.ts";
import { createRecipients } from "#connector/outbound/recipients.ts";

const known = "15550100001@s.whatsapp.net";
const elsewhere = "5511955500002@s.whatsapp.net";
const registered = "551155500002@s.whatsapp.net";
const unregistered = "15550100009@s.whatsapp.net";
const mapped = "1001@lid";
const inSession = "1002@lid";
const found = "1003@lid";
const foundWithoutDevices = "1004@lid";
const refused = { code: "recipient_not_on_whatsapp" };
const recipientMs = 5_000;
const devicesOf: DevicesOf = async (wa, jids) =>
  (await wa.getUSyncDevices([...jids], true, false)).map(({ jid }) => jid);

interface Directory {
  /** A server that knows everyone but `unregistered`, knows nobody, or never answers. */
  mode?: "normal" | "empty" | "silent" | "hanging";
  /** Devices of every recipient. */
  devices?: number[];
  /** Whether WhatsApp hands out keys for them. */
  hasKeys?: boolean;
}

/** `queried` lists the JIDs that the server was asked for, `prepared` those whose devices or sessions were. */
function directory({ mode = "normal", devices = [0], hasKeys = true }: Directory = {}) {
  const queried: string[] = [];
  const prepared: string[] = [];
  const answer = async <T>(id: string, list: T[]): Promise<T[] | undefined> => {
    queried.push(id);
    if (mode === "hanging") await new Promise(() => undefined);
    return mode === "normal" ? list : mode === "empty" ? [] : undefined;
  };
  const wa = {
    user: { id: "15550100000:1@s.whatsapp.net", lid: "1000:1@lid" },
    onWhatsApp: (jid: string) =>
      answer(jid, [{ jid: jid === elsewhere ? registered : jid, exists: jid !== unregistered }]),
    signalRepository: {
      lidMapping: { getPNForLID: async (lid: string) => (lid === mapped ? known : null) },
      validateSession: async (jid: string) => ({ exists: jid === inSession }),
    },
    executeUSyncQuery: async ({ users: [user] }: USyncQuery) => {
      const id = user?.id ?? "";
      if (id !== found && id !== foundWithoutDevices)
        return { list: (await answer(id, [])) ?? [], sideList: [] };
      const list = await answer(id, [{ id, devices: { deviceList: id === found ? [{ id: 0 }] : [] } }]);
      return list && { list, sideList: [] };
    },
    getUSyncDevices: async ([own = "", jid = ""]: string[]) => {
      prepared.push(`${own} ${jid}`);
      const deviceJid = (device: number) => jid.replace("@", device === 0 ? "@" : `:${device}@`);
      return [{ jid: own }, ...devices.map((device) => ({ jid: deviceJid(device) }))];
    },
    assertSessions: async () => !hasKeys,
  };
  return { queried, prepared, wa: wa as unknown as WASocket };
}

const reach = (wa: WASocket, jid: string) => createRecipients({ recipientMs, devicesOf }).reach(wa, jid);

test.each([
  [known, known],
  [elsewhere, registered],
  [found, found],
])("%s is queried once, remembered, and reached at %s", async (jid, at) => {
  const { queried, wa } = directory();
  const recipients = createRecipients({ recipientMs, devicesOf });
  for (let time = 0; time < 3; time++) expect(await recipients.reach(wa, jid)).toBe(at);
  expect(queried).toEqual([jid]);
});

test.each([
  [known, "15550100000@s.whatsapp.net", known],
  [elsewhere, "15550100000@s.whatsapp.net", registered],
  [found, "1000@lid", found],
])("the devices of %s are asked for beside our own under the same kind of address", async (jid, own, at) => {
  const { prepared, wa } = directory();
  await reach(wa, jid);
  expect(prepared).toEqual([`${own} ${at}`]);
});

test.each([unregistered])("%s, which is not on WhatsApp, is refused and queried again", async (jid) => {
  const { queried, wa } = directory();
  const recipients = createRecipients({ recipientMs, devicesOf });
  for (let time = 0; time < 2; time++) await expect(recipients.reach(wa, jid)).rejects.toMatchObject(refused);
  expect(queried).toEqual([jid, jid]);
});

describe.each([known, found])("a query for %s", (jid) => {
  test("refuses the recipient when the answer does not name it", async () => {
    const { wa } = directory({ mode: "empty" });
    await expect(reach(wa, jid)).rejects.toMatchObject(refused);
  });

  test("fails without a verdict when WhatsApp does not answer", async () => {
    const { wa } = directory({ mode: "silent" });
    await expect(reach(wa, jid)).rejects.toMatchObject({ name: "Error" });
  });

  test("fails within its bound, whatever Baileys waits for", async () => {
    const { wa } = directory({ mode: "hanging" });
    await expect(createRecipients({ recipientMs: 20, devicesOf }).reach(wa, jid)).rejects.toMatchObject({
      name: "TimeoutError",
    });
  });
});

test.each([mapped, inSession])("%s is accepted without a query for it", async (lid) => {
  const { queried, wa } = directory({ mode: "empty" });
  await reach(wa, lid);
  expect(queried).toEqual([]);
});

test.each([known, foundWithoutDevices])(
  "%s without a device fails without a verdict, and is looked up again",
  async (jid) => {
    const { queried, wa } = directory({ devices: [] });
    const recipients = createRecipients({ recipientMs, devicesOf });
    for (let time = 0; time < 2; time++) {
      await expect(recipients.reach(wa, jid)).rejects.toThrow("names no device");
    }
    expect(queried).toEqual([jid, jid]);
  },
);

test("a recipient for whose devices WhatsApp has no keys fails without a verdict", async () => {
  const { wa } = directory({ hasKeys: false });
  await expect(reach(wa, known)).rejects.toThrow("gave no keys");
});

test("sends to one recipient at the same time share the queries for its devices", async () => {
  const { prepared, wa } = directory();
  const recipients = createRecipients({ recipientMs, devicesOf });
  await Promise.all([1, 2, 3].map(() => recipients.reach(wa, known)));
  expect(prepared).toHaveLength(1);
});

test("10,000 recipients are remembered, and the one that was reached least recently is asked for again", async () => {
  const { queried, wa } = directory();
  const recipients = createRecipients({ recipientMs, devicesOf });
  const jids = Array.from({ length: 10_001 }, (_, n) => `${15550200000 + n}@s.whatsapp.net`);
  for (const jid of jids) await recipients.reach(wa, jid);
  queried.length = 0;
  for (const jid of jids.slice(0, 2).reverse()) await recipients.reach(wa, jid);
  expect(queried).toEqual(jids.slice(0, 1));
});
