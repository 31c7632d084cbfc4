import { Hono } from "hono";
import { z } from "zod";
import type { Sandbox } from "../sandbox-api.ts";
import { knownAccount } from "./accounts.ts";
import { chats, conversation } from "./conversations.ts";
import { limit, query } from "./input.ts";
import { messageView } from "./views.ts";

const chatQuery = z.strictObject({ limit });
const receiptsQuery = z.strictObject({ limit, messageId: z.string().max(200).optional() });

/** Routes for conversations and receipts. */
export function chatRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/accounts/:phoneNumber/chats", (c) => {
    const account = knownAccount(sandbox, c);
    const payload = chats(account, sandbox.accounts()).map(({ last, ...chat }) => ({
      ...chat,
      last: { id: last.id, from: last.from, at: last.at.toISOString(), text: last.text ?? null },
    }));
    return c.json({ ok: true, payload });
  });
  routes.get("/accounts/:phoneNumber/chats/:other", (c) => {
    const account = knownAccount(sandbox, c);
    const { limit } = query(c, chatQuery);
    const other = sandbox.accounts().find((one) => one.phoneNumber === c.req.param("other"));
    const lines = other ? conversation(account, other).slice(-limit) : [];
    const payload = lines.map(({ reader, message, progress }) => ({
      ...messageView(reader, message),
      progress,
    }));
    return c.json({ ok: true, payload });
  });
  routes.get("/accounts/:phoneNumber/receipts", (c) => {
    const { limit, messageId } = query(c, receiptsQuery);
    const receipts = knownAccount(sandbox, c).receipts.filter(
      (receipt) => messageId === undefined || receipt.messageId === messageId,
    );
    const payload = receipts.slice(-limit).map((receipt) => ({ ...receipt, at: receipt.at.toISOString() }));
    return c.json({ ok: true, payload });
  });
  return routes;
}
