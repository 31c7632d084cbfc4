import type { IncomingMessage } from "node:http";
import type { WASocket } from "../baileys/baileys.ts";
import type { Closure } from "../machine/close-reason.ts";

/** The fields of Baileys' errors: a Boom with a status code, and the seconds that a ban lasts. */
interface BaileysError {
  message?: string;
  output?: { statusCode?: number };
  data?: { code?: string; expire?: string; attrs?: { expire?: string } };
}

/** The transport's error code, such as `ENOTFOUND` or `ECONNREFUSED`, if there is one. */
export function causeOf(error: unknown): string | null {
  const { data } = (error ?? {}) as BaileysError;
  return typeof data?.code === "string" ? data.code : null;
}

/** Reads from the error that ended a socket why it ended. */
export function closureOf(error: unknown): Pick<Closure, "code" | "message" | "retryAfterMs"> {
  const { message = "", output, data } = (error ?? {}) as BaileysError;
  const seconds = Number(data?.expire ?? data?.attrs?.expire);
  return {
    code: output?.statusCode ?? null,
    message,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
  };
}

type Refusal = Partial<Pick<Closure, "code" | "retryAfterMs">>;

/** Keeps the HTTP status with which the server refused the upgrade: Baileys emits no event for it. */
export function watchUpgrade(wa: WASocket): () => Refusal {
  let refusal: Refusal = {};
  wa.ws.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
    const seconds = Number(response.headers["retry-after"]);
    refusal = {
      code: response.statusCode === 429 ? 429 : 503,
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    };
    response.resume();
  });
  return () => refusal;
}
