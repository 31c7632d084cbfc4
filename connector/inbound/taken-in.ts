import type { WAMessage } from "../baileys/baileys.ts";
import type { EventLog } from "../events/event-log.ts";
import { isFitting } from "../events/event-size.ts";
import { deduplicationId } from "../messages/deduplication-id.ts";
import { type SeenMessage, withoutContent } from "../messages/from-whatsapp/from-whatsapp.ts";
import { lidsIn, withKnownNumbers } from "../messages/from-whatsapp/with-known-numbers.ts";
import type { Parties } from "../messages/parties.ts";

/** A message that WhatsApp delivered, and the event that it makes. */
export interface TakenIn {
  message: WAMessage;
  seen: SeenMessage;
}

interface PublishOptions {
  parties: Pick<Parties, "numbersOf">;
  events: Pick<EventLog, "publish" | "has">;
}

/**
 * Publishes what arrived together, and resolves to what was published. Rejects as reads of keys do, and with the database's error.
 */
export async function publishAll(
  channelId: string,
  taken: readonly TakenIn[],
  options: PublishOptions,
): Promise<TakenIn[]> {
  const named = await identified(channelId, taken, options);
  return await Promise.all(
    named.map(async ({ message, seen }) => ({
      message,
      seen: await publishFitted(channelId, options.events, seen),
    })),
  );
}

/**
 * Names everybody by their number where that is known. A message that the log has under the names it came with keeps them: its
 * author's number was learned since, and WhatsApp, or the journal, delivers it again.
 */
async function identified(
  channelId: string,
  taken: readonly TakenIn[],
  { parties, events }: PublishOptions,
): Promise<TakenIn[]> {
  const lids = taken.flatMap(({ seen }) => lidsIn(seen));
  if (lids.length === 0) return [...taken];
  const numbers = await parties.numbersOf(lids);
  const named = taken.map(({ message, seen }) => ({
    message,
    seen: withKnownNumbers(seen, numbers),
    came: seen,
  }));
  const idOf = (seen: SeenMessage) => deduplicationId(channelId, seen);
  const renamed = named.filter(({ seen, came }) => idOf(seen) !== idOf(came)).map(({ came }) => idOf(came));
  const known = await events.has(renamed);
  return named.map(({ message, seen, came }) => ({ message, seen: known.has(idOf(came)) ? came : seen }));
}

/**
 * Publishes a message, and resolves to what was published: one that does not fit into the log is told without its content,
 * since it would fail the session at every start.
 */
async function publishFitted(
  channelId: string,
  events: Pick<EventLog, "publish">,
  seen: SeenMessage,
): Promise<SeenMessage> {
  // Judged before, so that it keeps its place among those that arrived with it.
  const fitted = isFitting({ ...seen.data }) ? seen : withoutContent(seen);
  await events.publish(fitted.type, fitted.data, deduplicationId(channelId, seen));
  return fitted;
}
