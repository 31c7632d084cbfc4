import { commandTable } from "#shared/commands.ts";
import { type ErrorCode, errorCatalog, type PublicError } from "#shared/errors.ts";
import type { PublishedOutcome, PublishedStatuses } from "../events/published-statuses.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import { type Verdict, verdictOn } from "./command-lifecycle.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { Orphan } from "./orphan-store.ts";
import { isSend, type Send, type SendFacts, sendEnd, sendFailure } from "./send-settlement.ts";

export interface RescueOptions {
  fence: Fence;
  queue: Pick<CommandQueue, "orphans" | "settleOrphans">;
  messageStatuses: Pick<MessageStatuses, "publish">;
  publishedStatuses: Pick<PublishedStatuses, "outcomes">;
  messageStore: Pick<MessageStore, "own" | "recorded">;
  announcements: Pick<Announcements, "announce">;
}

type OrphanedCommand = Orphan["command"];

/** Messages are kept for a day at least: for an older send, a missing record says nothing. */
const recordedMs = 23 * 3_600_000;

function isOld({ relayStartedAt }: OrphanedCommand, now: Date): boolean {
  return relayStartedAt !== undefined && now.getTime() - relayStartedAt.getTime() > recordedMs;
}

/** A pass is bounded, and a deposed owner may claim a command during it. The sweep rescues the rest. */
const passesMax = 20;
const nothingPublished: PublishedOutcome = { hasArrived: false, refusal: null, notSent: null };

/**
 * Settles orphans by what the log says of them. Runs at the takeover, and with each sweep of a channel that has open commands,
 * because a deposed owner may still claim before it notices. Publishes before it settles, so that it can be repeated after a crash.
 */
export async function rescueOrphans({
  fence,
  queue,
  messageStatuses,
  publishedStatuses,
  messageStore,
  announcements,
}: RescueOptions): Promise<void> {
  for (let pass = 0; pass < passesMax; pass++) {
    const orphans = await queue.orphans();
    if (orphans.length === 0) return;
    const sends = orphans.filter(isSend);
    const [outcomes, recorded] = await Promise.all([
      publishedStatuses.outcomes(sends),
      messageStore.own(sends.map(({ messageId }) => messageId)),
    ]);
    const decided = orphans.map((command) => {
      const messageId = command.messageId ?? "";
      const published = outcomes.get(messageId) ?? nothingPublished;
      const verdict = verdictOn(
        { ...command, isRecorded: recorded.has(messageId) || isOld(command, dateOf(fence)) },
        published,
      );
      return { command, verdict, next: nextOf[verdict](command, published) };
    });
    const doubtful = decided.filter(({ verdict }) => verdict === "markUnknown").map(({ command }) => command);
    const unknown = doubtful.filter(isSend).map(({ messageId }) => messageId);
    // The stanza did not wait for that event, and the former owner may have died before it was in the log.
    await Promise.all((await messageStore.recorded(unknown)).map(announcements.announce));
    await Promise.all(unknown.map((messageId) => messageStatuses.publish({ messageId, status: "unknown" })));
    await queue.settleOrphans(decided);
  }
}

const nextOf: Record<Verdict, (command: OrphanedCommand, published: PublishedOutcome) => Orphan["next"]> = {
  requeue: () => "queue",
  keep: () => "keep",
  markUnknown: (command) =>
    isSend(command)
      ? sendEnd(command, factsOf(command), { kind: "unknown" }).settlement
      : { state: "unknown", result: { status: "unknown" } },
  succeed: arrived,
  confirm: arrived,
  fail: (command, { refusal, notSent }) =>
    refusal?.whatsappCode === undefined
      ? failure(command, refusal?.code ?? notSent?.code, "failed")
      : sendEnd(asSend(command), {}, { kind: "refused", whatsappCode: refusal.whatsappCode }).settlement,
  markDead: (command, { notSent }) => failure(command, notSent?.code, "dead"),
};

function arrived(command: OrphanedCommand): Orphan["next"] {
  return sendEnd(asSend(command), factsOf(command), { kind: "sent" }).settlement;
}

function failure(
  command: OrphanedCommand,
  code: string | undefined,
  state: "failed" | "dead",
): Orphan["next"] {
  const error: PublicError = isErrorCode(code)
    ? { code, message: errorCatalog[code].title }
    : { code: "internal", message: errorCatalog.internal.title };
  return sendFailure(asSend(command), error, state);
}

/** The recipient and type of a send, as far as its payload is valid. */
function factsOf({ payload }: OrphanedCommand): SendFacts {
  const { data } = commandTable["message.send"].payload.safeParse(payload);
  return data ? { to: data.to, type: data.content.type } : {};
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorCatalog, code);
}

function asSend(command: OrphanedCommand): Send {
  return { ...command, messageId: command.messageId ?? "" };
}
