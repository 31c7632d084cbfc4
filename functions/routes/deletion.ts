import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ServiceError } from "#shared/errors.ts";
import { answered } from "../commands/answered.ts";
import { type Accepted, carryOut, type MutationEnv, namedBy } from "../commands/mutation.ts";
import { queued, queuedAnswer } from "../commands/queued-answer.ts";
import type { Dependencies } from "../dependencies.ts";
import { commandHeaders, json, mutationHeaders } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { type DeletionEnv, findChannelToDelete } from "../middleware/find-channel-to-delete.ts";
import { behind, channelRoute } from "./channel-route.ts";

const deletedAnswer = z.object({ ok: z.literal(true), payload: z.object({ channelId: z.string() }) });

const deleting = channelRoute({
  operationId: "deleteChannel",
  method: "delete",
  path: "/channels/{channelId}",
  tag: "Channels",
  summary: "Delete a channel",
  description: "Logs out and erases everything. It is gone at once, whatever the answer.",
  scope: "channels:write",
  request: { headers: mutationHeaders },
  responses: {
    200: json(deletedAnswer, "Erased", commandHeaders),
    202: json(queuedAnswer, "A connector will erase it", commandHeaders),
  },
});

type Env = MutationEnv & DeletionEnv;

/** Deleting: the wish is stored first. Who asks again under a key is answered the same when the channel is gone. */
export function deletionRoutes(deps: Dependencies) {
  const { store } = deps;
  const middleware = [findChannelToDelete(store, deleting), ...behind(deleting, store)];
  return new OpenAPIHono<Env>({ defaultHook: invalidRequest }).openapi(
    { ...deleting, middleware },
    async (c) => {
      const { channelId } = c.req.valid("param");
      const accepted = c.var.isErased ? await erased(c) : await erase(deps, c, channelId);
      const isGone = accepted.outcome?.state === "gone" || answered(accepted).state === "succeeded";
      if (!isGone) return c.json(queued("Deletion queued", channelId, accepted.commandId), 202);
      return c.json({ ok: true as const, payload: { channelId } }, 200);
    },
  );
}

function erase(deps: Dependencies, c: Context<Env>, channelId: string): Promise<Accepted> {
  const prepare = async () => {
    const isMarked = await deps.store.markDeleted(channelId);
    if (!isMarked && !c.var.once.isKeyed) throw new ServiceError("channel_not_found");
  };
  return carryOut(deps, c, { type: "channel.delete", payload: {}, prepare });
}

/** The command went with everything else. */
async function erased(c: Context<Env>): Promise<Accepted> {
  const { ids } = await c.var.once.decide<{ commandId: string }>(() => {
    throw new ServiceError("channel_not_found");
  });
  namedBy(c, ids.commandId);
  return { ...ids, outcome: { state: "gone" } };
}
