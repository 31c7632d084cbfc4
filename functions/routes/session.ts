import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { sessionCookieName } from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";
import { scopes } from "#shared/scopes.ts";
import { clientScheme } from "#shared/trusted-proxies.ts";
import type { AppSettings, Dependencies } from "../dependencies.ts";
import { bodyRefusals, json, jsonRequest, refusals, timeSchema } from "../http/openapi.ts";
import { isFromOwnOrigin } from "../http/own-origin.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { jsonBody } from "../middleware/json-body.ts";
import type { CachedAuthentication } from "../store/cached-authentication.ts";

const sessionSeconds = 12 * 60 * 60;
/** Bounds a body that is read before the caller has authenticated. */
const signInBody = { bytesMax: 8 * 1024, msMax: 10_000 };

const sessionAnswer = z.object({
  ok: z.literal(true),
  payload: z.object({
    scopes: z.array(z.enum(scopes)),
    channels: z.array(z.string()).nullable().openapi({ description: "null = every channel" }),
    expiresAt: timeSchema,
  }),
});

const signingIn = createRoute({
  operationId: "signIn",
  method: "post",
  path: "/session",
  tags: ["Session"],
  summary: "Sign in",
  description: "Exchanges an API key for a session cookie: HttpOnly, for this origin only, valid for 12 h.",
  security: [],
  middleware: jsonBody(signInBody),
  request: { body: jsonRequest(z.strictObject({ apiKey: z.string().max(1_000) })) },
  responses: {
    200: json(sessionAnswer, "Signed in; `Set-Cookie` carries the session"),
    ...refusals(...bodyRefusals, "missing_api_key", "invalid_api_key", "expired_api_key"),
    ...refusals("internal", "database_unavailable"),
  },
});

const signingOut = createRoute({
  operationId: "signOut",
  method: "delete",
  path: "/session",
  tags: ["Session"],
  summary: "Sign out",
  description: "Ends the session that the cookie names.",
  security: [{ session: [] }],
  responses: {
    200: json(z.object({ ok: z.literal(true) }), "Signed out, or there was no session"),
    ...refusals("missing_api_key", "internal", "database_unavailable"),
  },
});

/** Signs in to the console and out of it. Signing in exchanges the API key for a cookie that no script can read. */
export function sessionRoutes({ store, settings }: Dependencies, authentication: CachedAuthentication) {
  return new OpenAPIHono({ defaultHook: invalidRequest })
    .openapi(signingIn, async (c) => {
      const { apiKey } = c.req.valid("json");
      const { keyId, scopes, channels } = await store.byKey(apiKey);
      const { cookie, expiresAt } = await store.createSession(keyId, sessionSeconds);
      setCookie(c, sessionCookieName, cookie, { ...cookieOptions(c, settings), maxAge: sessionSeconds });
      const payload = {
        scopes: [...scopes],
        channels: channels && [...channels],
        expiresAt: expiresAt.toISOString(),
      };
      return c.json({ ok: true as const, payload }, 200);
    })
    .openapi(signingOut, async (c) => {
      const cookie = getCookie(c, sessionCookieName);
      if (cookie && !isFromOwnOrigin(c.req.raw))
        throw new ServiceError(
          "missing_api_key",
          "The session cookie is valid only on this origin's own pages",
        );
      if (cookie) {
        await store.deleteSession(cookie);
        authentication.forgetSession(cookie);
      }
      deleteCookie(c, sessionCookieName, cookieOptions(c, settings));
      return c.json({ ok: true as const }, 200);
    });
}

/** `Path=/`, because Socket.io's handshake needs it too. A trusted proxy says whether the browser uses https. */
function cookieOptions(c: Context, { trustProxy }: AppSettings) {
  const own = new URL(c.req.url).protocol.replace(":", "");
  const secure = clientScheme(own, c.req.header("x-forwarded-proto"), trustProxy) === "https";
  return { httpOnly: true, sameSite: "Strict", path: "/", secure } as const;
}
