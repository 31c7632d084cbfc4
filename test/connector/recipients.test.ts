import { expect, test } from "vitest";
import type { WASocket } from "../../connector/baileys/baileys.ts";
import { createRecipients } from "../../connector/recipients.ts";

const known = "15550100001@s.whatsapp.net";
const stranger = "15550100009@s.whatsapp.net";

/** A socket that only knows who is on WhatsApp, and whom it was asked for. */
function directory(answer?: undefined | []) {
  const asked: string[] = [];
  const onWhatsApp = async (jid: string) => {
    asked.push(jid);
    return answer === undefined ? [{ jid, exists: jid !== stranger }] : answer;
  };
  return { asked, wa: { onWhatsApp } as unknown as WASocket };
}

test("a number is asked for once, and then known", async () => {
  const { asked, wa } = directory();
  const recipients = createRecipients();
  for (let time = 0; time < 3; time++) await recipients.check(wa, known);
  expect(asked).toEqual([known]);
});

test("a number that is not on WhatsApp is refused, and asked for again: it may join", async () => {
  const { asked, wa } = directory();
  const recipients = createRecipients();
  for (let time = 0; time < 2; time++) {
    await expect(recipients.check(wa, stranger)).rejects.toMatchObject({ code: "recipient_not_on_whatsapp" });
  }
  expect(asked).toEqual([stranger, stranger]);
});

test("no answer is not a yes", async () => {
  const { wa } = directory([]);
  await expect(createRecipients().check(wa, known)).rejects.toMatchObject({
    code: "recipient_not_on_whatsapp",
  });
});

test("a LID exists by being known, and nobody is asked", async () => {
  const { asked, wa } = directory();
  await createRecipients().check(wa, "4242@lid");
  expect(asked).toEqual([]);
});
