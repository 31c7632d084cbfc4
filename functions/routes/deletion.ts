import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ServiceError } from "#shared/errors.ts";
import { commandAnswer } from "../commands/command-answer.ts";
import { queuedAnswer, queuedAnswerSchema } from "../commands/queued-answer.ts";
import {
  type AcceptedCommand,
  type CommandRequestEnv,
  setLocation,
  submitCommand,
} from "../commands/submit-command.ts";
import type { Dependencies } from "../dependencies.ts";
import { commandHeaders, json, mutationHeaders } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { type DeletionEnv, findChannelToDelete } from "../middleware/find-channel-to-delete.ts";
import { channelRoute, guards } from "./channel-route.ts";

const deletedAnswer = z.object({ ok: z.literal(true), payload: z.object({ channelId: z.string() }) });

const deleting = channelRoute({
  operationId: "deleteChannel",
  method: "delete",
  path: "/channels/{channelId}",
  tag: "Channels",
  summary: "Delete a channel",
  description:
    "Erases everything and removes the device from the phone. The channel is gone for callers at once, whatever the answer; " +
    "only its credentials stay, until WhatsApp has confirmed the removal, for at most 24 hours. Waits for that for 5 s unless " +
    "`Prefer` says otherwise. The command can be read for 7 days after its end, by the key that made it and by administrators.",
  scope: "channels:write",
  request: { headers: mutationHeaders },
  responses: {
    200: json(deletedAnswer, "The channel is erased, and its device removed", commandHeaders),
    202: json(
      queuedAnswerSchema,
      "Not confirmed by WhatsApp yet; `Location` tells how it ends",
      commandHeaders,
    ),
  },
  refused: ["expired"],
});

type Env = CommandRequestEnv & DeletionEnv;

/**
 * Deletes a channel: marks it first, then submits the command. Under a key, a repetition is answered even after the
 * erasure.
 */
export function deletionRoutes(deps: Dependencies) {
  const { store } = deps;
  const middleware = [findChannelToDelete(store, deleting), ...guards(deleting, store)];
  return new OpenAPIHono<Env>({ defaultHook: invalidRequest }).openapi(
    { ...deleting, middleware },
    async (c) => {
      const { channelId } = c.req.valid("param");
      const accepted = c.var.isErased ? await erased(deps, c) : await erase(deps, c, channelId);
      const isGone = accepted.outcome?.state === "gone" || commandAnswer(accepted).state === "succeeded";
      if (!isGone) return c.json(queuedAnswer("Deletion queued", channelId, accepted.commandId), 202);
      return c.json({ ok: true as const, payload: { channelId } }, 200);
    },
  );
}

function erase(deps: Dependencies, c: Context<Env>, channelId: string): Promise<AcceptedCommand> {
  const prepare = async () => {
    const isMarked = await deps.store.markDeleted(channelId);
    if (!isMarked && !c.var.once.isKeyed) throw new ServiceError("channel_not_found");
  };
  return submitCommand(deps, c, { type: "channel.delete", payload: {}, prepare });
}

/** Answers a repetition after the erasure, by the command while it is kept. */
async function erased({ results }: Dependencies, c: Context<Env>): Promise<AcceptedCommand> {
  const { ids } = await c.var.once.decide<{ commandId: string }>(() => {
    throw new ServiceError("channel_not_found");
  });
  setLocation(c, ids.commandId);
  return { ...ids, outcome: (await results.read(ids.commandId)) ?? { state: "gone" } };
}
