import type { IncomingMessage } from "node:http";
import { DisconnectReason, type WASocket } from "../baileys/baileys.ts";
import type { Closure } from "../machine/close-reason.ts";

/**
 * The fields of Baileys' errors: a Boom with a status code. Its data are the attributes of a refused login, such as the seconds
 * that a ban lasts, or the stanza inside a stream error.
 */
interface BaileysError {
  message?: string;
  output?: { statusCode?: number };
  data?: { code?: string; expire?: string; tag?: string; attrs?: { type?: string; expire?: string } };
}

/** The message with which Baileys ends a socket whose login was refused. */
const loginRefused = "Connection Failure";

/** The transport's error code, such as `ENOTFOUND` or `ECONNREFUSED`, if there is one. */
export function causeOf(error: unknown): string | null {
  const { data } = (error ?? {}) as BaileysError;
  return typeof data?.code === "string" ? data.code : null;
}

/** Reads from the error that ended a socket why it ended. */
export function closureOf(
  error: unknown,
): Pick<Closure, "code" | "message" | "isDeviceGone" | "retryAfterMs"> {
  const { message = "", output, data } = (error ?? {}) as BaileysError;
  const isRemoved = data?.tag === "conflict" && data.attrs?.type === "device_removed";
  return {
    code: output?.statusCode ?? null,
    message,
    isDeviceGone: isRemoved || message === loginRefused,
    retryAfterMs: msOf(data?.expire ?? data?.attrs?.expire),
  };
}

/** Null for anything but a positive number of seconds. */
function msOf(seconds: string | undefined): number | null {
  const ms = Number(seconds) * 1_000;
  return ms > 0 ? ms : null;
}

/** The error with which a socket ends that WhatsApp should have ended to make the device log in. */
export function restartError(): Error {
  const output = { statusCode: DisconnectReason.restartRequired };
  return Object.assign(new Error("WhatsApp did not restart the connection"), { output });
}

type Refusal = Partial<Pick<Closure, "code" | "retryAfterMs">>;

/** Keeps the HTTP status with which the server refused the upgrade: Baileys emits no event for it. */
export function watchUpgrade(wa: WASocket): () => Refusal {
  let refusal: Refusal = {};
  wa.ws.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
    refusal = {
      code: response.statusCode === 429 ? 429 : 503,
      retryAfterMs: msOf(response.headers["retry-after"]),
    };
    response.resume();
  });
  return () => refusal;
}
