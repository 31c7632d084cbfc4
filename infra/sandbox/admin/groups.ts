import { Hono } from "hono";
import { z } from "zod";
import type { Sandbox } from "../sandbox-api.ts";
import { AdminError, orRefused } from "./errors.ts";
import { body, groupJid, parsed, phoneNumber } from "./input.ts";

const newGroup = z.strictObject({
  creator: phoneNumber,
  subject: z.string().trim().min(1).max(100),
  members: z.array(phoneNumber).min(1).max(1_023),
  addressing: z.enum(["pn", "lid"]).optional(),
});
const change = z.strictObject({ by: phoneNumber, phoneNumber });

/** Routes for groups; `by` is the member who makes the change. */
export function groupRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/groups", (c) => c.json({ ok: true, payload: sandbox.groups() }));
  routes.post("/groups", async (c) => {
    const { creator, subject, members, addressing } = await body(c, newGroup);
    const payload = await orRefused(() => sandbox.account(creator).createGroup(subject, members, addressing));
    return c.json({ ok: true, payload });
  });
  routes.post("/groups/:jid/:change{add|remove}", async (c) => {
    const { jid } = parsed(z.object({ jid: groupJid }), { jid: c.req.param("jid") });
    if (!sandbox.groups().some((group) => group.jid === jid))
      throw new AdminError("not_found", `There is no group ${jid}.`);
    const { by, phoneNumber } = await body(c, change);
    const account = sandbox.account(by);
    const isAdded = c.req.param("change") === "add";
    await orRefused(() =>
      isAdded ? account.addToGroup(jid, phoneNumber) : account.removeFromGroup(jid, phoneNumber),
    );
    return c.json({ ok: true });
  });
  return routes;
}
