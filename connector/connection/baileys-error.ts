import type { IncomingMessage } from "node:http";
import type { WASocket } from "../baileys/baileys.ts";
import type { Closure } from "../machine/close-reason.ts";

/** What Baileys' errors carry: a Boom with a status code, and for a ban the seconds it lasts. */
interface BaileysError {
  message?: string;
  output?: { statusCode?: number };
  data?: { code?: string; expire?: string; attrs?: { expire?: string } };
}

/** `ENOTFOUND`, `ECONNREFUSED` and the like, where the transport said so. */
export function causeOf(error: unknown): string | null {
  const { data } = (error ?? {}) as BaileysError;
  return typeof data?.code === "string" ? data.code : null;
}

/** What the error that ended a socket says of its end. */
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

/** An HTTP answer to the upgrade ends in no event of Baileys' at all, so its status is kept here. */
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
