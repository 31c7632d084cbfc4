import { Hono } from "hono";
import { z } from "zod";
import type { Sandbox } from "../sandbox-api.ts";
import { orRefused } from "./errors.ts";
import { body, phoneNumber } from "./input.ts";
import { deviceView, pairingView } from "./views.ts";

const qrText = z.string().trim().min(1).max(2000);
const scan = z.strictObject({ phoneNumber, qr: qrText });
const typeCode = z.strictObject({
  phoneNumber,
  /** Shown as `ABCD-EFGH`, accepted with and without the dash. */
  code: z
    .string()
    .transform((code) => code.replace(/[\s-]/g, "").toUpperCase())
    .pipe(z.string().regex(/^[A-Z1-9]{8}$/, "eight letters and digits, such as ABCD-EFGH")),
});
const offerQr = z.strictObject({ qr: qrText });

/** Routes that list the clients waiting to be linked, and link one by QR or code. */
export function pairingRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/pairings", async (c) => {
    const payload = await Promise.all(sandbox.pendingPairings().map(pairingView));
    return c.json({ ok: true, payload });
  });
  routes.post("/scan", async (c) => {
    const { phoneNumber, qr } = await body(c, scan);
    const device = await orRefused(() => sandbox.account(phoneNumber).scan(qr));
    return c.json({ ok: true, payload: deviceView(device) });
  });
  routes.post("/type-code", async (c) => {
    const { phoneNumber, code } = await body(c, typeCode);
    const device = await orRefused(() => sandbox.account(phoneNumber).typeCode(code));
    return c.json({ ok: true, payload: deviceView(device) });
  });
  routes.post("/offer-qr", async (c) => {
    const { qr } = await body(c, offerQr);
    await orRefused(() => sandbox.offerQr(qr));
    return c.json({ ok: true });
  });
  return routes;
}
