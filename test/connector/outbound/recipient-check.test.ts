import { describe, expect, test } from "vitest";
import type { USyncQuery, WASocket } from "#connector/baileys/baileys.ts";
import { createRecipientCheck } from "#connector/outbound/recipient-check.ts";

const known = "15550100001@s.whatsapp.net";
const unregistered = "15550100009@s.whatsapp.net";
const mapped = "1001@lid";
const inSession = "1002@lid";
const found = "1003@lid";
const refused = { code: "recipient_not_on_whatsapp" };

/** A server that knows everyone but `unregistered`, knows nobody, or never answers. `queried` lists the JIDs it was asked for. */
function directory(mode: "normal" | "empty" | "silent" = "normal") {
  const queried: string[] = [];
  const answer = <T>(id: string, list: T[]): T[] | undefined => {
    queried.push(id);
    return { normal: list, empty: [], silent: undefined }[mode];
  };
  const wa = {
    onWhatsApp: async (jid: string) => answer(jid, [{ jid, exists: jid !== unregistered }]),
    signalRepository: {
      lidMapping: { getPNForLID: async (lid: string) => (lid === mapped ? known : null) },
      validateSession: async (lid: string) => ({ exists: lid === inSession }),
    },
    executeUSyncQuery: async ({ users: [user] }: USyncQuery) => {
      const id = user?.id ?? "";
      const deviceList = id === found ? [{ id: 0 }] : [];
      const list = answer(id, [{ id, devices: { deviceList } }]);
      return list && { list, sideList: [] };
    },
  };
  return { queried, wa: wa as unknown as WASocket };
}

test.each([known, found])("%s is queried once and then remembered", async (jid) => {
  const { queried, wa } = directory();
  const recipientCheck = createRecipientCheck();
  for (let time = 0; time < 3; time++) await recipientCheck.check(wa, jid);
  expect(queried).toEqual([jid]);
});

test.each([unregistered, "1009@lid"])(
  "%s, which is not on WhatsApp, is refused and queried again",
  async (jid) => {
    const { queried, wa } = directory();
    const recipientCheck = createRecipientCheck();
    for (let time = 0; time < 2; time++)
      await expect(recipientCheck.check(wa, jid)).rejects.toMatchObject(refused);
    expect(queried).toEqual([jid, jid]);
  },
);

describe.each([known, found])("a query for %s", (jid) => {
  test("refuses the recipient when the answer does not name it", async () => {
    const { wa } = directory("empty");
    await expect(createRecipientCheck().check(wa, jid)).rejects.toMatchObject(refused);
  });

  test("fails without a verdict when WhatsApp does not answer", async () => {
    const { wa } = directory("silent");
    await expect(createRecipientCheck().check(wa, jid)).rejects.toMatchObject({ name: "Error" });
  });
});

test.each([mapped, inSession])("%s is accepted without a query", async (lid) => {
  const { queried, wa } = directory("empty");
  await createRecipientCheck().check(wa, lid);
  expect(queried).toEqual([]);
});
