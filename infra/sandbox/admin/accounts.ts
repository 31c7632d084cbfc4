import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Account } from "../account.ts";
import type { Sandbox } from "../sandbox-api.ts";
import { AdminError, orRefused } from "./errors.ts";
import { body, pathPhoneNumber, phoneNumber } from "./input.ts";
import { accountView } from "./views.ts";

const hourMs = 60 * 60 * 1000;
const timing = z.union([z.literal("auto"), z.literal("never"), z.number().int().min(0).max(hourMs)], {
  error: '"auto", "never" or a delay in milliseconds',
});
const change = z.strictObject({
  pushName: z.string().trim().min(1).max(100).optional(),
  receiptPolicy: z.strictObject({ delivered: timing.optional(), read: timing.optional() }).optional(),
});
const deviceId = z.number().int().min(0).max(99);
const oneDeviceOrAll = z.strictObject({ deviceId: deviceId.optional() });
const oneDevice = z.strictObject({ deviceId });
const nothing = z.strictObject({});
const number = z.strictObject({ phoneNumber });
const otherNumber = z.strictObject({ phoneNumber, as: phoneNumber });
const numberSwitch = z.strictObject({ phoneNumber, on: z.boolean() });

/** The person in the path. Throws `not_found` if the number has not been used yet, because reading creates no one. */
export function knownAccount(sandbox: Sandbox, c: Context): Account {
  const requested = pathPhoneNumber(c);
  const account = sandbox.accounts().find((one) => one.phoneNumber === requested);
  if (!account) throw new AdminError("not_found", `The sandbox has no account ${requested} yet.`);
  return account;
}

/** Routes for people and their devices. */
export function accountRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/accounts", (c) => c.json({ ok: true, payload: sandbox.accounts().map(accountView) }));
  routes.post("/accounts", async (c) => {
    const { phoneNumber } = await body(c, number);
    return c.json({ ok: true, payload: accountView(sandbox.account(phoneNumber)) });
  });
  routes.get("/accounts/:phoneNumber", (c) =>
    c.json({ ok: true, payload: accountView(knownAccount(sandbox, c)) }),
  );
  routes.patch("/accounts/:phoneNumber", async (c) => {
    const account = knownAccount(sandbox, c);
    const { pushName = account.pushName, receiptPolicy: { delivered, read } = {} } = await body(c, change);
    const { receiptPolicy: before } = account;
    account.pushName = pushName;
    account.receiptPolicy = { delivered: delivered ?? before.delivered, read: read ?? before.read };
    return c.json({ ok: true, payload: accountView(account) });
  });
  routes.post("/not-on-whatsapp", async (c) => {
    const { phoneNumber } = await body(c, number);
    await orRefused(() => sandbox.notOnWhatsApp(phoneNumber));
    return c.json({ ok: true });
  });
  routes.post("/registered-as", async (c) => {
    const { phoneNumber, as } = await body(c, otherNumber);
    sandbox.registeredAs(phoneNumber, as);
    return c.json({ ok: true });
  });
  routes.post("/without-devices", async (c) => {
    const { phoneNumber, on } = await body(c, numberSwitch);
    sandbox.withoutDevices(phoneNumber, on);
    return c.json({ ok: true });
  });
  deviceRoutes(routes, sandbox);
  return routes;
}

function deviceRoutes(routes: Hono, sandbox: Sandbox): void {
  routes.post("/accounts/:phoneNumber/unlink", async (c) => {
    const account = knownAccount(sandbox, c);
    const { deviceId } = await body(c, oneDeviceOrAll);
    if (deviceId !== undefined && !account.devices().some((device) => device.deviceId === deviceId)) {
      throw new AdminError("not_found", `${account.phoneNumber} has no linked device ${deviceId}.`);
    }
    await orRefused(() => account.unlink(deviceId));
    return c.json({ ok: true, payload: accountView(account) });
  });
  routes.post("/accounts/:phoneNumber/add-device", async (c) => {
    const account = knownAccount(sandbox, c);
    await body(c, nothing);
    return c.json({ ok: true, payload: { deviceId: await orRefused(() => account.addDevice()) } });
  });
  routes.post("/accounts/:phoneNumber/remove-device", async (c) => {
    const account = knownAccount(sandbox, c);
    const { deviceId } = await body(c, oneDevice);
    await orRefused(() => account.removeDevice(deviceId));
    return c.json({ ok: true });
  });
  routes.post("/accounts/:phoneNumber/forget-sessions", async (c) => {
    const account = knownAccount(sandbox, c);
    const { deviceId } = await body(c, oneDeviceOrAll);
    await orRefused(() => account.forgetSessions(deviceId));
    return c.json({ ok: true });
  });
}
