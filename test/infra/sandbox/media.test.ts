import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { downloadMediaMessage } from "#connector/baileys/baileys.ts";
import { trustCertificate } from "#infra/sandbox/media/certificate.ts";
import { faultless, noFaults } from "./client.fixture.ts";
import { ana, ben, useSandbox } from "./sandbox.fixture.ts";

const fixture = useSandbox();
beforeEach(() => trustCertificate(fixture.sandbox.mediaCa));

test("a document sent by the client arrives byte for byte", async () => {
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

test("an image sent by the client arrives byte for byte", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const image = Buffer.from(pixel, "base64");
  const id = await client.send(`${ben}@s.whatsapp.net`, { image, mimetype: "image/png" });
  const message = await sandbox.account(ben).waitForMessage();
  expect(message).toMatchObject({ id, media: { kind: "image", mimetype: "image/png" } });
  expect(message.media?.bytes.equals(image)).toBe(true);
  expect(faultless(sandbox)).toEqual(noFaults);
});

test("a failed upload fails the send", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  sandbox.media.faults.upload = { status: 500, times: 5 };
  const sending = client.send(`${ben}@s.whatsapp.net`, {
    document: Buffer.from("x"),
    mimetype: "text/plain",
  });
  await expect(sending).rejects.toThrow("Media upload failed");
});

test("the client can download an image sent by a contact", async () => {
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
