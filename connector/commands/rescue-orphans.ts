import { commandTable } from "#shared/commands.ts";
import { type ErrorCode, errorCatalog, type PublicError } from "#shared/errors.ts";
import type { PublishedOutcome, PublishedStatuses } from "../events/published-statuses.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import { type Verdict, verdictOn } from "./command-lifecycle.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { Orphan } from "./orphans.ts";
import { type Send, type SendFacts, sendEnd, sendFailure } from "./send-settlement.ts";

export interface RescueOptions {
  queue: Pick<CommandQueue, "orphans" | "settleOrphans">;
  messageStatuses: Pick<MessageStatuses, "publish">;
  publishedStatuses: Pick<PublishedStatuses, "outcomes">;
}

type OrphanedCommand = Orphan["command"];

/** What is read at once is bounded, and a former owner may take something while it is settled; the sweep has the rest. */
const passesMax = 20;
const nothingPublished: PublishedOutcome = { hasArrived: false, refusal: null, notSent: null };

/**
 * Settles what former owners left behind, by what the log says of it; also later on, since one that does not know yet
 * that it was deposed may still claim. Told before it is written, so that it can be done again after a crash.
 */
export async function rescueOrphans({
  queue,
  messageStatuses,
  publishedStatuses,
}: RescueOptions): Promise<void> {
  for (let pass = 0; pass < passesMax; pass++) {
    const orphans = await queue.orphans();
    if (orphans.length === 0) return;
    const standings = await publishedStatuses.outcomes(orphans.filter(hasMessageId));
    const decided = orphans.map((command) => {
      const standing = standings.get(command.messageId ?? "") ?? nothingPublished;
      const verdict = verdictOn(command, standing);
      return { command, verdict, next: nextOf[verdict](command, standing) };
    });
    const doubtful = decided.filter(({ verdict }) => verdict === "markUnknown").map(({ command }) => command);
    await Promise.all(
      doubtful
        .filter(hasMessageId)
        .map(({ messageId }) => messageStatuses.publish({ messageId, status: "unknown" })),
    );
    await queue.settleOrphans(decided);
  }
}

const nextOf: Record<Verdict, (command: OrphanedCommand, standing: PublishedOutcome) => Orphan["next"]> = {
  requeue: () => "queue",
  keep: () => "keep",
  markUnknown: (command) =>
    hasMessageId(command)
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

/** Whom a send is for, as far as its payload says so. */
function factsOf({ payload }: OrphanedCommand): SendFacts {
  const { data } = commandTable["message.send"].payload.safeParse(payload);
  return data ? { to: data.to, type: data.content.type } : {};
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorCatalog, code);
}

/** Only what has a message id has something told of it. */
function asSend(command: OrphanedCommand): Send {
  return { ...command, messageId: command.messageId ?? "" };
}

function hasMessageId(command: OrphanedCommand): command is Send {
  return command.messageId !== undefined;
}
