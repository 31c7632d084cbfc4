import { describe, expect, test } from "vitest";
import type { USyncQuery, WASocket } from "#connector/baileys/baileys.ts";
import { createRecipientCheck } from "#connector/outbound/recipient-check.ts";

const known = "15550100001@s.whatsapp.net";
const stranger = "15550100009@s.whatsapp.net";
const mapped = "1001@lid";
const inSession = "1002@lid";
const found = "1003@lid";
const refused = { code: "recipient_not_on_whatsapp" };

/** A server that knows all but the stranger, or says `nothing`; and whom it was asked for. */
function directory(says: "who is there" | "nobody" | "nothing" = "who is there") {
  const asked: string[] = [];
  const answer = <T>(id: string, list: T[]): T[] | undefined => {
    asked.push(id);
    return { "who is there": list, nobody: [], nothing: undefined }[says];
  };
  const wa = {
    onWhatsApp: async (jid: string) => answer(jid, [{ jid, exists: jid !== stranger }]),
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
  return { asked, wa: wa as unknown as WASocket };
}

test.each([known, found])("%s is asked for once, and then known", async (jid) => {
  const { asked, wa } = directory();
  const recipients = createRecipientCheck();
  for (let time = 0; time < 3; time++) await recipients.check(wa, jid);
  expect(asked).toEqual([jid]);
});

test.each([stranger, "1009@lid"])("%s, where nobody is, is refused, and asked for again", async (jid) => {
  const { asked, wa } = directory();
  const recipients = createRecipientCheck();
  for (let time = 0; time < 2; time++) await expect(recipients.check(wa, jid)).rejects.toMatchObject(refused);
  expect(asked).toEqual([jid, jid]);
});

describe.each([known, found])("for %s", (jid) => {
  test("an answer that does not name it is a no", async () => {
    const { wa } = directory("nobody");
    await expect(createRecipientCheck().check(wa, jid)).rejects.toMatchObject(refused);
  });

  test("silence is neither a yes nor a no", async () => {
    const { wa } = directory("nothing");
    await expect(createRecipientCheck().check(wa, jid)).rejects.toMatchObject({ name: "Error" });
  });
});

test.each([mapped, inSession])("%s is known, and nobody is asked", async (lid) => {
  const { asked, wa } = directory("nobody");
  await createRecipientCheck().check(wa, lid);
  expect(asked).toEqual([]);
});
