import { OpenAPIHono, z } from "@hono/zod-openapi";
import { toString as drawQr } from "qrcode";
import { preferredType } from "#shared/accept-header.ts";
import type { ChannelDocument, PendingPairing } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { ServiceError } from "#shared/errors.ts";
import { commandAnswer } from "../commands/command-answer.ts";
import { queuedAnswer, queuedAnswerSchema } from "../commands/queued-answer.ts";
import { type CommandRequestEnv, submitCommand } from "../commands/submit-command.ts";
import type { Dependencies } from "../dependencies.ts";
import {
  commandHeaders,
  json,
  jsonRequest,
  mutationHeaders,
  requestIdHeader,
  timeSchema,
} from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import type { FoundChannel } from "../store/store.ts";
import { channelRoute, guarded } from "./channel-route.ts";

const codeAnswer = z.object({
  ok: z.literal(true),
  payload: z.object({ channelId: z.string(), code: z.string(), expiresAt: timeSchema }),
});

/** The code leaves the result when it no longer works. */
const codeResult = z.object({ code: z.string().optional(), expiresAt: timeSchema });

const qrAnswer = z.object({
  ok: z.literal(true),
  payload: z.object({
    qr: z.string().openapi({ description: "The text encoded in the QR code" }),
    attempt: z.number().int(),
    of: z.number().int(),
    expiresAt: timeSchema,
  }),
});

const qrTypes = ["application/json", "image/png", "image/svg+xml", "text/plain"] as const;

const requestingCode = channelRoute({
  operationId: "requestPairingCode",
  method: "post",
  path: "/channels/{channelId}/pairing-code",
  tag: "Linking a phone",
  summary: "Request a pairing code",
  description: "A code to type on the phone. Connects the channel if necessary.",
  scope: "channels:write",
  request: {
    headers: mutationHeaders,
    body: jsonRequest(commandTable["channel.request_pairing_code"].payload),
  },
  responses: {
    200: json(codeAnswer, "The pairing code", commandHeaders),
    202: json(
      queuedAnswerSchema,
      "Queued; the channel's `pairing_code` event will carry the code",
      commandHeaders,
    ),
  },
  refused: ["already_linked", "cancelled", "expired", "pairing_rate_limited", "whatsapp_rejected"],
});

const readingQr = channelRoute({
  operationId: "getQrCode",
  method: "get",
  path: "/channels/{channelId}/qr",
  tag: "Linking a phone",
  summary: "Get the QR code",
  description: "The code that waits to be scanned, as JSON, PNG, SVG or plain text, by `Accept`.",
  scope: "channels:write",
  request: {},
  responses: {
    200: {
      description: "The QR code",
      headers: requestIdHeader,
      content: {
        "application/json": { schema: qrAnswer },
        "image/png": { schema: z.string().openapi({ format: "binary" }) },
        "image/svg+xml": { schema: z.string() },
        "text/plain": { schema: z.string() },
      },
    },
  },
  refused: ["qr_not_available"],
});

/** Links a phone: serves the QR code that waits to be scanned, and requests codes to type. */
export function pairingRoutes(deps: Dependencies) {
  const { store } = deps;
  return new OpenAPIHono<CommandRequestEnv>({ defaultHook: invalidRequest })
    .openapi(guarded(requestingCode, store), async (c) => {
      const payload = c.req.valid("json");
      const { channelId } = c.var.found.channel;
      // The connector stores the wish, because a linked channel refuses the code and must keep its wish.
      const accepted = await submitCommand(deps, c, { type: "channel.request_pairing_code", payload });
      const outcome = commandAnswer(accepted);
      if (outcome.state !== "succeeded")
        return c.json(queuedAnswer("Pairing code queued", channelId, accepted.commandId), 202);
      const { code, expiresAt } = codeResult.parse(outcome.result);
      if (code === undefined)
        throw new ServiceError("expired", "The pairing code no longer works; request another", {
          details: { commandId: accepted.commandId },
        });
      return c.json({ ok: true as const, payload: { channelId, code, expiresAt } }, 200);
    })
    .openapi(guarded(readingQr, store), async (c) => {
      const qr = pendingQr(c.var.found);
      const type = preferredType(c.req.header("accept"), qrTypes) ?? "application/json";
      c.header("Vary", "Accept", { append: true });
      if (type === "application/json") return c.json({ ok: true as const, payload: qrView(qr) }, 200);
      const body = await picture[type](qr.text, c.var.found.channel);
      return c.body(body, 200, { "Content-Type": type });
    });
}

/** Throws `qr_not_available` when no QR code waits, or when it has expired. */
function pendingQr({ channel: { pairing }, now }: FoundChannel): PendingPairing {
  if (pairing?.kind !== "qr" || pairing.expiresAt <= now) throw new ServiceError("qr_not_available");
  return pairing;
}

function qrView({ text, attempt, of, expiresAt }: PendingPairing) {
  return { qr: text, attempt, of, expiresAt: expiresAt.toISOString() };
}

/** The connector has already drawn the PNG for its Socket.io clients. */
const picture = {
  "image/png": (_text: string, { config }: ChannelDocument) => Promise.resolve(pngOf(config.qrCode)),
  "image/svg+xml": (text: string) => drawQr(text, { type: "svg" }),
  "text/plain": (text: string) => Promise.resolve(text),
};

function pngOf(dataUrl: string | null): Uint8Array<ArrayBuffer> {
  const [, base64] = dataUrl?.split("data:image/png;base64,") ?? [];
  if (!base64) throw new ServiceError("qr_not_available");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
