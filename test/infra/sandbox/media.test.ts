import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { downloadMediaMessage } from "../../../connector/baileys/baileys.ts";
import { trustCertificate } from "../../../infra/sandbox/certificate.ts";
import { faultless, noFaults } from "./client.ts";
import { ana, ben, useSandbox } from "./fixture.ts";

const fixture = useSandbox();
beforeEach(() => trustCertificate(fixture.sandbox.mediaCa));

test("an image that the client sends arrives byte for byte", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const bytes = randomBytes(200_000);
  await client.send(`${ben}@s.whatsapp.net`, {
    document: bytes,
    mimetype: "application/pdf",
    fileName: "a.pdf",
    caption: "look",
  });
  const message = await sandbox.account(ben).waitForMessage();
  expect(message.mediaError).toBeUndefined();
  expect(message).toMatchObject({
    text: "look",
    media: { kind: "document", mimetype: "application/pdf", fileName: "a.pdf" },
  });
  expect(message.media?.bytes.equals(bytes)).toBe(true);
  expect(sandbox.media.counts.uploads).toBe(1);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("an image that a contact sends can be downloaded by the client", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const bytes = randomBytes(50_000);
  await sandbox.account(ben).sendMedia(ana, { kind: "image", bytes, mimetype: "image/png", caption: "mine" });
  const message = await client.receive(({ message }) => message?.imageMessage?.caption === "mine");
  const downloaded = await downloadMediaMessage(message, "buffer", {});
  expect(downloaded.equals(bytes)).toBe(true);
  expect(faultless(sandbox)).toEqual(noFaults);
});
