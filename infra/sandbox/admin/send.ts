import { proto } from "@whiskeysockets/baileys";
import { Hono } from "hono";
import { z } from "zod";
import { omitUndefined } from "../omit-undefined.ts";
import type { Sandbox } from "../sandbox-api.ts";
import { knownAccount } from "./accounts.ts";
import { orRefused } from "./errors.ts";
import { body, pathPhoneNumber, recipient } from "./input.ts";

const sendOptions = {
  to: recipient,
  addressing: z.enum(["pn", "lid"]).optional(),
  pushName: z.string().min(1).max(100).optional(),
  id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/)
    .optional(),
};
const sendText = z.strictObject({ ...sendOptions, text: z.string().min(1).max(65_536) });
const sendMedia = z.strictObject({
  ...sendOptions,
  kind: z.enum(["image", "video", "audio", "document", "sticker"]),
  base64: z.base64().min(1),
  mimetype: z.string().regex(/^[\w.+-]+\/[\w.+-]+(;.*)?$/, "such as image/png"),
  caption: z.string().max(65_536).optional(),
  fileName: z.string().max(255).optional(),
});
const anyMessage = z.record(z.string(), z.unknown()).transform((fields, context) => {
  try {
    const message = proto.Message.fromObject(fields);
    const unknown = Object.keys(fields).filter((name) => !(name in message));
    if (unknown.length === 0 && Object.keys(fields).length > 0) return message;
  } catch {
    // A value of another type than the field's.
  }
  context.addIssue({ code: "custom", message: "a message of WhatsApp's protocol as JSON, bytes in Base64" });
  return z.NEVER;
});
const sendMessage = z.strictObject({ ...sendOptions, message: anyMessage });
const oneMessage = z.strictObject({ messageId: z.string().min(1).max(200) });
const retry = z.strictObject({ ...oneMessage.shape, deviceId: z.number().int().min(0).max(99).optional() });

/** Routes that act as a person. Sending from an unused number creates the person. */
export function sendRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.post("/accounts/:phoneNumber/send-text", async (c) => {
    const account = sandbox.account(pathPhoneNumber(c));
    const { to, text, ...options } = await body(c, sendText);
    const payload = await orRefused(() => account.sendText(to, text, omitUndefined(options)));
    return c.json({ ok: true, payload });
  });
  routes.post("/accounts/:phoneNumber/send-media", async (c) => {
    const account = sandbox.account(pathPhoneNumber(c));
    const { to, kind, base64, mimetype, caption, fileName, ...options } = await body(c, sendMedia);
    const media = {
      kind,
      mimetype,
      bytes: Buffer.from(base64, "base64"),
      ...omitUndefined({ caption, fileName }),
    };
    const payload = await orRefused(() => account.sendMedia(to, media, omitUndefined(options)));
    return c.json({ ok: true, payload });
  });
  routes.post("/accounts/:phoneNumber/send-message", async (c) => {
    const account = sandbox.account(pathPhoneNumber(c));
    const { to, message, ...options } = await body(c, sendMessage);
    const payload = await orRefused(() => account.sendMessage(to, message, omitUndefined(options)));
    return c.json({ ok: true, payload });
  });
  routes.post("/accounts/:phoneNumber/mark-read", async (c) => {
    const account = knownAccount(sandbox, c);
    const { messageId } = await body(c, oneMessage);
    await orRefused(() => account.markRead(messageId));
    return c.json({ ok: true });
  });
  routes.post("/accounts/:phoneNumber/ask-retry", async (c) => {
    const account = knownAccount(sandbox, c);
    const { messageId, deviceId } = await body(c, retry);
    await orRefused(() => account.askRetry(messageId, deviceId));
    return c.json({ ok: true });
  });
  return routes;
}
