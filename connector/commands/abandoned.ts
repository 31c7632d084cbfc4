import { commandTable } from "#shared/commands.ts";
import { type ErrorCode, errorCatalog, type PublicError } from "#shared/errors.ts";
import type { Standing, Told } from "../events/told.ts";
import type { Delivery } from "../messages/delivery.ts";
import { type Verdict, verdictOn } from "./command-life.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { LeftCommand } from "./left-commands.ts";
import { endingOf, failureOf, type Send, type SendFacts } from "./settlement.ts";

export interface AbandonedOptions {
  queue: Pick<CommandQueue, "left" | "settleLeft">;
  delivery: Pick<Delivery, "tell">;
  told: Pick<Told, "standings">;
}

type Left = LeftCommand["command"];

/** What is read at once is bounded, and a former owner may take something while it is settled; the sweep has the rest. */
const passesMax = 20;
const nothingTold: Standing = { hasArrived: false, refusal: null, notSent: null };

/**
 * Settles what former owners left behind, by what the log says of it; also later on, since one that does not know yet
 * that it was deposed may still claim. Told before it is written, so that it can be done again after a crash.
 */
export async function settleAbandoned({ queue, delivery, told }: AbandonedOptions): Promise<void> {
  for (let pass = 0; pass < passesMax; pass++) {
    const left = await queue.left();
    if (left.length === 0) return;
    const standings = await told.standings(left.filter(hasMessageId));
    const decided = left.map((command) => {
      const standing = standings.get(command.messageId ?? "") ?? nothingTold;
      const verdict = verdictOn(command, standing);
      return { command, verdict, becomes: becomes[verdict](command, standing) };
    });
    const doubted = decided.filter(({ verdict }) => verdict === "doubt").map(({ command }) => command);
    await Promise.all(
      doubted.filter(hasMessageId).map(({ messageId }) => delivery.tell({ messageId, status: "unknown" })),
    );
    await queue.settleLeft(decided);
  }
}

const becomes: Record<Verdict, (command: Left, standing: Standing) => LeftCommand["becomes"]> = {
  putBack: () => "queue",
  keep: () => "keep",
  doubt: (command) =>
    hasMessageId(command)
      ? endingOf(command, factsOf(command), { kind: "unknown" }).settlement
      : { state: "unknown", result: { status: "unknown" } },
  succeed: arrived,
  arrive: arrived,
  fail: (command, { refusal, notSent }) =>
    refusal?.whatsappCode === undefined
      ? failure(command, refusal?.code ?? notSent?.code, "failed")
      : endingOf(asSend(command), {}, { kind: "refused", whatsappCode: refusal.whatsappCode }).settlement,
  giveUp: (command, { notSent }) => failure(command, notSent?.code, "dead"),
};

function arrived(command: Left): LeftCommand["becomes"] {
  return endingOf(asSend(command), factsOf(command), { kind: "sent" }).settlement;
}

function failure(command: Left, code: string | undefined, state: "failed" | "dead"): LeftCommand["becomes"] {
  const error: PublicError = isErrorCode(code)
    ? { code, message: errorCatalog[code].title }
    : { code: "internal", message: errorCatalog.internal.title };
  return failureOf(asSend(command), error, state);
}

/** Whom a send is for, as far as its payload says so. */
function factsOf({ payload }: Left): SendFacts {
  const { data } = commandTable["message.send"].payload.safeParse(payload);
  return data ? { to: data.to, type: data.content.type } : {};
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(errorCatalog, code);
}

/** Only what has a message id has something told of it. */
function asSend(command: Left): Send {
  return { ...command, messageId: command.messageId ?? "" };
}

function hasMessageId(command: Left): command is Send {
  return command.messageId !== undefined;
}
