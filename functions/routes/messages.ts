import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { recipientSchema } from "../../shared/commands.ts";
import { textSchema } from "../../shared/content.ts";
import type { Dependencies } from "../dependencies.ts";
import { sendMediaSchema } from "../media-request.ts";
import { type ChannelEnv, findChannel } from "../middleware/find-channel.ts";
import { jsonBody } from "../middleware/json-body.ts";
import { requireScope } from "../middleware/require-scope.ts";
import {
  bodyRefusals,
  channelParameters,
  json,
  jsonRequest,
  keyRefusals,
  openTo,
  preferHeader,
  refusals,
} from "../openapi.ts";
import { sendMessage } from "../send-message.ts";
import { isSent, pendingAnswer, sentAnswer } from "../sent-answer.ts";
import { invalidRequest } from "../validation-hook.ts";

const sendSchema = z.strictObject({
  to: recipientSchema,
  message: textSchema,
  type: z.literal("text").default("text"),
});

const sendRefusals = ["whatsapp_rejected", "recipient_not_on_whatsapp", "expired", "not_sent"] as const;

const responses = {
  200: json(sentAnswer, "WhatsApp took it"),
  202: json(pendingAnswer, "Accepted: not sent yet, or sent without an answer (`unknown`)"),
  ...refusals(...keyRefusals, ...bodyRefusals, "channel_not_found", "channel_logged_out"),
  ...refusals(...sendRefusals),
};

const mediaRefusals = refusals(
  ...sendRefusals,
  "media_not_allowed",
  "media_unavailable",
  "media_too_large",
  "media_type_mismatch",
);

/** Sending. The message's id is fixed here, so that whatever happens later it is one message. */
export function messageRoutes(deps: Dependencies) {
  const middleware = [findChannel(deps.store), requireScope("messages:send"), jsonBody];
  return new OpenAPIHono<ChannelEnv>({ defaultHook: invalidRequest })
    .openapi(
      createRoute({
        method: "post",
        path: "/channels/{channelId}/send",
        tags: ["Messages"],
        summary: "Send a text",
        ...openTo("messages:send"),
        middleware,
        request: { params: channelParameters, headers: preferHeader, body: jsonRequest(sendSchema) },
        responses,
      }),
      async (c) => {
        const { to, message } = c.req.valid("json");
        const answer = await sendMessage(deps, c, to, { type: "text", text: message });
        return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/channels/{channelId}/send-media",
        tags: ["Messages"],
        summary: "Send media",
        ...openTo("messages:send", "Image, video, audio, voice message, document or sticker, by its URL."),
        middleware,
        request: {
          params: channelParameters,
          headers: preferHeader,
          body: jsonRequest(sendMediaSchema(deps.settings.mediaAllowHosts)),
        },
        responses: { ...responses, ...mediaRefusals },
      }),
      async (c) => {
        const { to, content } = c.req.valid("json");
        const answer = await sendMessage(deps, c, to, content);
        return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
      },
    );
}
