import { z } from "zod";
import type { Faults } from "../faults/faults.ts";
import type { MediaFaults } from "../media/media-host.ts";
import { omitUndefined } from "../omit-undefined.ts";
import { AdminError, orRefused } from "./errors.ts";
import { parsed, phoneNumber } from "./input.ts";

/** The parts on which faults act: the WhatsApp server and the media host. */
export type Breakables = { faults: Faults; media: MediaFaults };

/** `run` validates its input against `schema` and applies the fault. */
export type FaultRow = {
  does: string;
  schema: z.ZodType;
  run(input: unknown, breakables: Breakables): Promise<void>;
};

const hourMs = 60 * 60 * 1000;
const target = z.union([z.literal("all"), phoneNumber], { error: 'a phone number or "all"' });
const times = z.number().int().min(1).max(1_000_000);
const delayMs = z.number().int().min(0).max(hourMs);
const on = z.boolean();
const timing = z.union([z.literal("auto"), z.literal("never"), delayMs], {
  error: '"auto", "never" or a delay in milliseconds',
});
const httpError = z.number().int().min(400).max(599);
const code = z.number().int().min(100).max(999);

function row<T extends z.ZodType>(
  does: string,
  schema: T,
  apply: (breakables: Breakables, input: z.output<T>) => void,
): FaultRow {
  const run = async (input: unknown, breakables: Breakables): Promise<void> => {
    const known = parsed(schema, input);
    await orRefused(() => apply(breakables, known));
  };
  return { does, schema, run };
}

/** Every fault by its name in the API: its description, its input and the call that applies it. */
export const faultTable: Record<string, FaultRow> = {
  drop: row("Cuts the TCP connections.", z.strictObject({ target }), ({ faults }, input) =>
    faults.drop(input.target),
  ),
  "stream-error": row(
    "Sends a stream error (515, 503, 500 …) and closes the connection.",
    z.strictObject({ target, code }),
    ({ faults }, input) => faults.streamError(input.target, input.code),
  ),
  replace: row(
    "Ends the connection with 440, as if another client had taken over.",
    z.strictObject({ target: phoneNumber }),
    ({ faults }, input) => faults.replace(input.target),
  ),
  "remove-device": row(
    "Removes the phone's linked devices: 401 now and at every later login.",
    z.strictObject({ target: phoneNumber }),
    ({ faults }, input) => faults.removeDevice(input.target),
  ),
  "fail-login": row(
    "Refuses the next logins (401, 403, 405 …).",
    z.strictObject({
      target,
      code,
      times: times.optional(),
      attributes: z.record(z.string(), z.string()).optional(),
    }),
    ({ faults }, { target, code, ...options }) => faults.failLogin(target, code, omitUndefined(options)),
  ),
  "refuse-upgrade": row(
    "Answers websocket upgrades with an HTTP error; `status: null` ends it.",
    z.strictObject({
      status: httpError.nullable(),
      retryAfterSeconds: z.number().int().min(0).max(86_400).optional(),
      times: times.optional(),
    }),
    ({ faults }, { status, ...options }) =>
      faults.refuseUpgrade(status === null ? null : { status, ...omitUndefined(options) }),
  ),
  silence: row(
    "Keeps sockets open but lets nothing through.",
    z.strictObject({ target, on }),
    ({ faults }, input) => faults.silence(input.target, input.on),
  ),
  "ack-error": row(
    "Refuses messages with this error; `code: null` ends it.",
    z.strictObject({ target, code: code.nullable(), times: times.optional() }),
    ({ faults }, { target, code, ...options }) => faults.ackError(target, code, omitUndefined(options)),
  ),
  "ack-delay": row(
    "Acknowledges messages late; 0 ends it.",
    z.strictObject({ target, delayMs }),
    ({ faults }, input) => faults.ackDelay(input.target, input.delayMs),
  ),
  "withhold-acks": row(
    "Delivers messages but never acknowledges them.",
    z.strictObject({ target, on }),
    ({ faults }, input) => faults.withholdAcks(input.target, input.on),
  ),
  receipts: row(
    "Sets when delivery receipts for messages of this number are sent; `timing: null` ends it.",
    z.strictObject({ target, timing: timing.nullable() }),
    ({ faults }, input) => faults.receipts(input.target, input.timing),
  ),
  "ignore-query": row(
    "Leaves the next queries of a namespace unanswered (encrypt, usync, w:m …).",
    z.strictObject({
      xmlns: z.string().min(1).max(100),
      request: z.string().min(1).max(100).optional(),
      times: times.optional(),
    }),
    ({ faults }, { xmlns, ...options }) => faults.ignoreQuery(xmlns, omitUndefined(options)),
  ),
  "refuse-code": row(
    "Refuses the next requests for a pairing code (400, 429 …).",
    z.strictObject({ code, times: times.optional() }),
    ({ faults }, { code, ...options }) => faults.refuseCode(code, omitUndefined(options)),
  ),
  "withhold-restart": row(
    "Does not end the next connections that paired: no 515.",
    z.strictObject({ times: times.optional() }),
    ({ faults }, options) => faults.withholdRestart(omitUndefined(options)),
  ),
  "refuse-query": row(
    "Answers the next queries of a namespace with an error (md, encrypt, usync …).",
    z.strictObject({ xmlns: z.string().min(1).max(100), code, times: times.optional() }),
    ({ faults }, { xmlns, code, ...options }) => faults.refuseQuery(xmlns, code, omitUndefined(options)),
  ),
  "forget-sessions": row(
    "Makes contacts lose their sessions with this number's linked devices; each contact requests the next message again.",
    z.strictObject({ target }),
    ({ faults }, input) => faults.forgetSessions(input.target),
  ),
  forge: row(
    "Forges the certificate's root or leaf, contacts' pre-keys, or the phone's signature at a pairing.",
    z.strictObject({ what: z.enum(["root", "leaf", "pre-key", "account"]), on }),
    ({ faults }, input) => faults.forge(input.what, input.on),
  ),
  "media-upload": row(
    "Fails the next media uploads with an HTTP status.",
    z.strictObject({ status: httpError, times: times.default(1) }),
    ({ media }, input) => {
      media.upload = input;
    },
  ),
  "media-download": row(
    "Fails the next media downloads with an HTTP status.",
    z.strictObject({ status: httpError, times: times.default(1) }),
    ({ media }, input) => {
      media.download = input;
    },
  ),
  "media-delay": row(
    "Answers every media request late; 0 ends it.",
    z.strictObject({ delayMs }),
    ({ media }, input) => {
      media.delayMs = input.delayMs;
    },
  ),
  clear: row("Ends all faults.", z.strictObject({}), ({ faults, media }) => {
    faults.clear();
    Object.assign(media, { upload: null, download: null, delayMs: 0 } satisfies MediaFaults);
  }),
};

/** Applies a fault by its name in the API. Throws `AdminError` if there is no such fault or the input is invalid. */
export async function applyFault(name: string, input: unknown, breakables: Breakables): Promise<void> {
  const fault = Object.hasOwn(faultTable, name) ? faultTable[name] : undefined;
  if (fault) return fault.run(input, breakables);
  const known = Object.keys(faultTable).join(", ");
  throw new AdminError("not_found", `There is no fault ${name}. The faults are ${known}.`);
}
