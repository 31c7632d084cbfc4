import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Sandbox } from "../sandbox-api.ts";
import { phoneNumber, query } from "./input.ts";

const page = {
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
};
const messages = z.strictObject({ ...page, from: phoneNumber.optional(), to: phoneNumber.optional() });
const sockets = z.strictObject({ phoneNumber: phoneNumber.optional() });
const nothing = z.strictObject({});

type Message = { number: number; from: string; to: string };

/** Routes for the ledger: what was on the wire. Times are milliseconds since 1970. */
export function ledgerRoutes({ ledger }: Pick<Sandbox, "ledger">): Hono {
  const routes = new Hono();
  routes.get("/ledger/outgoing", (c) => c.json({ ok: true, payload: pageOf(c, ledger.outgoing()) }));
  routes.get("/ledger/incoming", (c) => c.json({ ok: true, payload: pageOf(c, ledger.incoming()) }));
  routes.get("/ledger/sockets", (c) => {
    const requested = query(c, sockets).phoneNumber;
    const payload = ledger
      .sockets()
      .filter((one) => requested === undefined || one.phoneNumber === requested);
    return c.json({ ok: true, payload });
  });
  routes.get("/ledger/devices", (c) => {
    query(c, nothing);
    return c.json({ ok: true, payload: ledger.devices() });
  });
  routes.get("/ledger/trouble", (c) => {
    query(c, nothing);
    const payload = {
      overlaps: ledger.overlaps(),
      decryptFailures: ledger.decryptFailures(),
      unrepairedDecryptFailures: ledger.unrepairedDecryptFailures(),
      forgotten: ledger.forgotten(),
    };
    return c.json({ ok: true, payload });
  });
  return routes;
}

/** `after` is the `number` of the last record that the caller has. */
function pageOf<T extends Message>(c: Context, records: T[]): T[] {
  const { after, limit, from, to } = query(c, messages);
  const isMatching = (record: T): boolean =>
    record.number > after &&
    (from === undefined || record.from === from) &&
    (to === undefined || record.to === to);
  return records.filter(isMatching).slice(0, limit);
}
