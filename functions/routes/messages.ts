import { OpenAPIHono, z } from "@hono/zod-openapi";
import { recipientSchema } from "#shared/commands.ts";
import { textSchema } from "#shared/content.ts";
import { sendMediaSchema } from "../commands/media-request.ts";
import { isSent, pendingAnswerSchema, sentAnswerSchema } from "../commands/send-answer.ts";
import { sendMessage } from "../commands/send-message.ts";
import type { SubmissionEnv } from "../commands/submit-command.ts";
import type { Dependencies } from "../dependencies.ts";
import { commandHeaders, json, jsonRequest, mutationHeaders } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import type { ChannelLookup } from "../middleware/find-channel.ts";
import { channelRoute, guarded } from "./channel-route.ts";

const sendSchema = z.strictObject({
  to: recipientSchema,
  message: textSchema,
  type: z.literal("text").default("text"),
});

/** The error codes a send can end with. */
export const sendRefusals = [
  "channel_logged_out",
  "whatsapp_rejected",
  "recipient_not_on_whatsapp",
  "expired",
  "cancelled",
  "not_sent",
] as const;

const responses = {
  200: json(sentAnswerSchema, "WhatsApp accepted the message", commandHeaders),
  202: json(
    pendingAnswerSchema,
    "Accepted: not sent yet, or sent but not acknowledged (`unknown`)",
    commandHeaders,
  ),
};

const sending = channelRoute({
  operationId: "sendText",
  method: "post",
  path: "/channels/{channelId}/send",
  tag: "Messages",
  summary: "Send a text",
  scope: "messages:send",
  request: { headers: mutationHeaders, body: jsonRequest(sendSchema) },
  responses,
  refused: sendRefusals,
});

/** `mediaAllowHosts` is the setting: the schema refuses other private hosts. */
function sendingMedia(mediaAllowHosts: readonly string[]) {
  return channelRoute({
    operationId: "sendMedia",
    method: "post",
    path: "/channels/{channelId}/send-media",
    tag: "Messages",
    summary: "Send media",
    description: "Sends an image, video, audio file, voice message, document or sticker from a URL.",
    scope: "messages:send",
    request: { headers: mutationHeaders, body: jsonRequest(sendMediaSchema(mediaAllowHosts)) },
    responses,
    refused: [
      ...sendRefusals,
      "media_not_allowed",
      "media_unavailable",
      "media_too_large",
      "media_type_mismatch",
    ],
  });
}

/** Sends messages. The message id is fixed here, so that every later attempt is the same message. */
export function messageRoutes(deps: Dependencies) {
  const { store, settings, ownedChannel } = deps;
  const channels: ChannelLookup = {
    findChannel: async (channelId) => ownedChannel?.(channelId) ?? (await store.findChannel(channelId)),
  };
  const sources = { ...store, ...channels };
  return new OpenAPIHono<SubmissionEnv>({ defaultHook: invalidRequest })
    .openapi(guarded(sending, sources), async (c) => {
      const { to, message } = c.req.valid("json");
      const answer = await sendMessage(deps, c, to, { type: "text", text: message });
      return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
    })
    .openapi(guarded(sendingMedia(settings.mediaAllowHosts), sources), async (c) => {
      const { to, content } = c.req.valid("json");
      const answer = await sendMessage(deps, c, to, content);
      return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
    });
}
