import { Hono } from "hono";
import { z } from "zod";
import type { ReceivedMessage } from "../account.ts";
import type { Sandbox } from "../sandbox-api.ts";
import { knownAccount } from "./accounts.ts";
import { AdminError } from "./errors.ts";
import { limit, pathPhoneNumber, phoneNumber, query } from "./input.ts";
import { messageView } from "./views.ts";

const inboxQuery = z.strictObject({ limit, from: phoneNumber.optional() });
const nextQuery = z.strictObject({
  from: phoneNumber.optional(),
  contains: z.string().max(1000).optional(),
  after: z.string().max(200).optional(),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(10_000),
});

/** Types that a browser may show inline. Everything else is a download, so that no sender's file runs as a page. */
const inlineTypes = /^(image\/(png|jpeg|gif|webp)|audio\/[\w.+-]+|video\/[\w.+-]+)$/;

/** Routes for a person's inbox. */
export function inboxRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/accounts/:phoneNumber/inbox", (c) => {
    const account = knownAccount(sandbox, c);
    const { limit, from } = query(c, inboxQuery);
    const matching = account.inbox.filter((message) => from === undefined || message.from === from);
    const payload = matching.slice(-limit).map((message) => messageView(account.phoneNumber, message));
    return c.json({ ok: true, payload });
  });
  routes.get("/accounts/:phoneNumber/inbox/next", async (c) => {
    const account = sandbox.account(pathPhoneNumber(c));
    const { waitMs, ...filter } = query(c, nextQuery);
    const wait = { timeoutMs: waitMs, signal: c.req.raw.signal };
    const message = await account.waitForMessage(next(account.inbox, filter), wait).catch(() => null);
    if (!message) throw new AdminError("timeout", `No matching message arrived within ${waitMs} ms.`);
    return c.json({ ok: true, payload: messageView(account.phoneNumber, message) });
  });
  routes.get("/accounts/:phoneNumber/inbox/:messageId/media", (c) => {
    const id = c.req.param("messageId");
    const { media } =
      knownAccount(sandbox, c).inbox.find((message) => message.id === id && message.media) ?? {};
    if (!media) throw new AdminError("not_found", "There is no message with this id and media.");
    const type = media.mimetype.split(";")[0]?.trim().toLowerCase() ?? "";
    c.header("Content-Type", inlineTypes.test(type) ? type : "application/octet-stream");
    c.header("Content-Disposition", inlineTypes.test(type) ? "inline" : "attachment");
    return c.body(new Uint8Array(media.bytes));
  });
  return routes;
}

type NextFilter = Pick<z.output<typeof nextQuery>, "from" | "contains" | "after">;

/** Matches messages from others that arrived after the message with the id `after`. */
function next(inbox: readonly ReceivedMessage[], { from, contains, after }: NextFilter) {
  const position = after === undefined ? -1 : inbox.findLastIndex((message) => message.id === after);
  const seen = new Set(inbox.slice(0, position + 1).map((message) => message.id));
  return (message: ReceivedMessage): boolean =>
    !message.fromMe &&
    !seen.has(message.id) &&
    (from === undefined || message.from === from) &&
    (contains === undefined || (message.text ?? "").includes(contains));
}
