/** Serves the JSON API and the phone page through which people and tests drive the sandbox. */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { noMediaCounts } from "../media/media-host.ts";
import type { Sandbox } from "../sandbox-api.ts";
import { accountRoutes } from "./accounts.ts";
import { chatRoutes } from "./chats.ts";
import { AdminError, failure } from "./errors.ts";
import { scheduleRoutes } from "./fault-schedule.ts";
import { faultRoutes } from "./faults.ts";
import { groupRoutes } from "./groups.ts";
import { inboxRoutes } from "./inbox.ts";
import { ledgerRoutes } from "./ledger.ts";
import { guard } from "./loopback-guard.ts";
import { pairingRoutes } from "./pairing.ts";
import { phonePageRoutes } from "./phone-page.ts";
import { samplePictureRoutes } from "./sample-picture.ts";
import { sendRoutes } from "./send.ts";
import { accountView, pairingView } from "./views.ts";

/** Allows for media, which arrives as base64 in JSON. */
const bodyBytesMax = 96 * 1024 * 1024;

/**
 * The sandbox's JSON API under `/api` and the simulated phone at `/`, as a fetch handler: mount it on the HTTP server
 * that carries the websocket with `getRequestListener(createAdmin(sandbox).fetch)`. Answers are `{ok: true, payload?}`
 * or `{ok: false, error: {code, message, details}}`. It has no password, so it must listen on loopback only.
 */
export function createAdmin(sandbox: Sandbox): Hono {
  const app = new Hono();
  app.onError(failure);
  app.notFound((c) =>
    failure(new AdminError("not_found", `There is no route ${c.req.method} ${c.req.path}.`), c),
  );
  app.use(guard);
  app.use(bodyLimit({ maxSize: bodyBytesMax, onError: (c) => failure(tooLarge, c) }));
  app.route("/api", overviewRoutes(sandbox));
  app.route("/api", pairingRoutes(sandbox));
  app.route("/api", accountRoutes(sandbox));
  app.route("/api", inboxRoutes(sandbox));
  app.route("/api", chatRoutes(sandbox));
  app.route("/api", sendRoutes(sandbox));
  app.route("/api", groupRoutes(sandbox));
  app.route("/api", ledgerRoutes(sandbox));
  app.route("/api", scheduleRoutes(sandbox));
  app.route("/api", faultRoutes({ faults: sandbox.faults, media: sandbox.media.faults }));
  app.route("/", samplePictureRoutes());
  app.route("/", phonePageRoutes());
  return app;
}

const tooLarge = new AdminError("too_large", `The body is larger than ${bodyBytesMax} bytes.`);

/** Routes for the state that the page polls, and for the settings that a gateway needs to connect to this sandbox. */
function overviewRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  routes.get("/state", async (c) => {
    const pairings = await Promise.all(sandbox.pendingPairings().map(pairingView));
    const accounts = sandbox.accounts().map(accountView);
    const { consoleUrl } = sandbox;
    return c.json({ ok: true, payload: { pairings, accounts, counts: countsOf(sandbox), consoleUrl } });
  });
  routes.get("/environment", (c) => {
    const { websocketUrl, rootKey, mediaCa } = sandbox;
    const payload = { WHATSAPP_WEBSOCKET_URL: websocketUrl, WHATSAPP_ROOT_KEY: rootKey, mediaCa };
    return c.json({ ok: true, payload });
  });
  routes.get("/media-ca.pem", (c) =>
    c.text(sandbox.mediaCa, 200, { "Content-Type": "application/x-pem-file" }),
  );
  routes.get("/counts", (c) => c.json({ ok: true, payload: countsOf(sandbox) }));
  routes.post("/counts/reset", (c) => {
    sandbox.counts.reset();
    Object.assign(sandbox.media.counts, noMediaCounts());
    return c.json({ ok: true });
  });
  return routes;
}

const countsOf = ({ counts, media }: Sandbox) => ({ ...counts.snapshot(), media: { ...media.counts } });
